import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import { keyOf } from '../kube/objects.ts';
import { frameMilliseconds } from './live-progress.ts';
import { redrawn } from './redraw.ts';
import { sanitizeLine } from './sanitize.ts';
import { verdictWords } from './status-text.ts';
import { duration } from './units.ts';

/** EdgeBuilds as they are watched, until `end`. */
export interface StatusView {
  readonly show: (objects: readonly StoredEdgeBuild[]) => void;
  /** Why nothing new is heard. */
  readonly silence: (text: string, retryInMs: number) => void;
  readonly end: () => void;
}

interface Sink {
  readonly draw: (text: string) => void;
  /** Milliseconds, as Date.now(). */
  readonly now: () => number;
}

/** What is said while the API server is away. */
const silenceWords = (text: string, retryInMs: number): string =>
  `no news of the cluster, tried again in ${duration(Math.ceil(retryInMs / 1000))}: ${sanitizeLine(text)}`;

/**
 * For a person at a terminal: redrawn in place, since times go on although nothing is heard. After `end` nothing of it is
 * left.
 *
 * @param linesOf what is shown of the objects at a time; safe to show.
 */
export const liveStatus = (
  { draw, now, height }: Sink & { readonly height: () => number },
  linesOf: (objects: readonly StoredEdgeBuild[], now: number) => readonly string[],
): StatusView => {
  const shown = redrawn(draw, height);
  let objects: readonly StoredEdgeBuild[] | undefined;
  let trouble: readonly string[] = [];
  const redraw = (): void => {
    if (objects !== undefined || trouble.length > 0)
      shown.show([...(objects === undefined ? [] : linesOf(objects, now())), ...trouble]);
  };
  const clock = setInterval(redraw, frameMilliseconds).unref();
  return {
    show: (seen) => {
      objects = seen;
      trouble = [];
      redraw();
    },
    silence: (text, retryInMs) => {
      trouble = [silenceWords(text, retryInMs)];
      redraw();
    },
    end: () => {
      clearInterval(clock);
      shown.clear();
    },
  };
};

/** For logs and pipes: one line a change, which begins with the time since the beginning. */
export const plainStatus = ({ draw, now }: Sink): StatusView => {
  const begin = now();
  let known: ReadonlyMap<string, string> = new Map();
  let lastSilence = '';
  const say = (text: string): void => {
    draw(`${duration((now() - begin) / 1000).padStart(6)}  ${text}\n`);
  };
  return {
    show: (objects) => {
      lastSilence = '';
      const facts = new Map(objects.flatMap(factsOf));
      for (const [label, text] of facts) if (known.get(label) !== text) say(`${label}  ${text}`);
      for (const label of known.keys()) if (!facts.has(label)) say(`${label}  is gone`);
      known = facts;
    },
    silence: (text, retryInMs) => {
      if (text !== lastSilence) say(silenceWords(text, retryInMs));
      lastSilence = text;
    },
    end: () => undefined,
  };
};

/** What is worth a line when it changes, by what it is said of. */
const factsOf = (object: StoredEdgeBuild): readonly (readonly [string, string])[] => {
  const label = sanitizeLine(keyOf(object.metadata));
  const platforms = object.status?.platforms ?? [];
  return [
    ...platforms.map(({ platform, state, build, message }) => {
      const subject = build === undefined ? '' : ` (${build})`;
      return [`${label} ${sanitizeLine(platform)}`, sanitizeLine(`${state}${subject}: ${message}`)] as const;
    }),
    [label, verdictWords(object)],
  ];
};
