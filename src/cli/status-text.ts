import { reasons, type Reason } from '../api/conditions.ts';
import type { PlatformStatus } from '../api/edgebuild.ts';
import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import { nextStep } from './next-step.ts';
import { sanitizeLine } from './sanitize.ts';
import { shellWord } from './shell-word.ts';
import { conditionOf, type Verdict, verdictOf } from './standing.ts';
import { table } from './table.ts';
import type { Color, Paint } from './terminal.ts';
import { age, duration } from './units.ts';

/** Where and when an EdgeBuild is looked at. */
export interface View {
  /** Milliseconds, as Date.now(). */
  readonly now: number;
  readonly paint: Paint;
  /** The URL of the API server. */
  readonly server: string;
}

/** All that a person wants to know of one EdgeBuild of a cluster. */
export const statusLines = (object: StoredEdgeBuild, view: View): readonly string[] => {
  const platforms = platformTable(object, view);
  return [
    sentence(object, view.paint),
    ...(platforms.length === 0 ? [] : ['', ...platforms]),
    ...blocks([
      ['why', whyLines(object)],
      ['next', nextLines(object)],
      ['log', logLines(object)],
      ['image', imageLines(object, view.now)],
      ['deploy', deployLines(object)],
      ['webhooks', webhookLines(object, view.server)],
    ]),
  ];
};

/** What changes while it is watched, in few lines. */
export const liveLines = (object: StoredEdgeBuild, view: View): readonly string[] => [
  sentence(object, view.paint),
  ...platformTable(object, view),
  ...blocks([['why', causesOf(object).map(({ text }) => text)]]),
];

/** Of a command that can be pasted. */
const word = (text: string): string => shellWord(sanitizeLine(text));

const sentence = (object: StoredEdgeBuild, paint: Paint): string => {
  const { name, namespace = '' } = object.metadata;
  const [color] = sentences[verdictOf(object)];
  return `${sanitizeLine(name)} in ${sanitizeLine(namespace)} ${paint(color, verdictWords(object))}`;
};

/** Whether it is ready, in one sentence without its subject. */
export const verdictWords = (object: StoredEdgeBuild): string => {
  const verdict = verdictOf(object);
  return verdict === 'Ready' ? readyWords(object) : sentences[verdict][1];
};

const sentences: Readonly<Record<Verdict, readonly [Color, string]>> = {
  Ready: ['green', ''],
  Stalled: ['red', 'is not ready, and a person must act.'],
  Over: ['red', 'is not ready, and nothing is under way.'],
  Waiting: ['yellow', 'is not ready yet: it waits.'],
  Working: ['yellow', 'is not ready yet: work is under way.'],
  Unseen: ['yellow', 'is not ready yet: the operator has not looked at it.'],
  Outdated: ['yellow', 'is not ready yet: the operator has not looked at its latest change.'],
  Deleting: ['yellow', 'is being deleted.'],
};

const readyWords = (object: StoredEdgeBuild): string => {
  const { platforms = [] } = object.status ?? {};
  const names = platforms.map(({ platform }) => sanitizeLine(platform)).join(', ');
  const isUnchecked = conditionOf(object, 'Verified')?.reason === 'VerificationSkipped';
  const runs = conditionOf(object, 'Deployed')?.status === 'True' ? ', and running' : '';
  return `is ready: ${names} ${isUnchecked ? 'built and published, unverified' : 'built, verified and published'}${runs}.`;
};

const stateColors: Readonly<Record<string, Color>> = {
  Succeeded: 'green',
  Failed: 'red',
};

const platformTable = ({ status }: StoredEdgeBuild, { now, paint }: View): readonly string[] => {
  const platforms = status?.platforms ?? [];
  if (platforms.length === 0) return [];
  const [heading = '', ...rows] = table([
    ['PLATFORM', 'STATE', 'HOW', 'BUILD', 'ATTEMPT', 'TIME', 'REASON'],
    ...platforms.map((one) =>
      [
        one.platform,
        one.state,
        one.execution ?? '-',
        one.build ?? '-',
        String(one.attempt ?? '-'),
        timeOf(one, now),
        one.reason,
      ].map(sanitizeLine),
    ),
  ]);
  return [
    paint('bold', heading),
    ...rows.map((row, at) => {
      const state = platforms[at]?.state ?? '';
      return row.replace(` ${state} `, ` ${paint(stateColors[state] ?? 'yellow', state)} `);
    }),
  ];
};

/** Of the latest build: how long it took, or takes so far. */
const timeOf = ({ state, startTime, completionTime }: PlatformStatus, now: number): string => {
  const isOver = state !== 'Building' && state !== 'Waiting';
  if (startTime === undefined || (isOver && completionTime === undefined)) return '-';
  const end = completionTime === undefined ? now : Date.parse(completionTime);
  const text = duration(Math.max(0, (end - Date.parse(startTime)) / 1000));
  return completionTime === undefined ? `${text} so far` : text;
};

interface Cause {
  /** Empty: of the whole. */
  readonly platform: PlatformStatus | undefined;
  readonly reason: string;
  readonly text: string;
}

/** Why it is not ready: what each platform says that is not done, else what is said of the whole. */
const causesOf = (object: StoredEdgeBuild): readonly Cause[] => {
  const verdict = verdictOf(object);
  if (verdict === 'Ready' || verdict === 'Deleting' || verdict === 'Unseen' || verdict === 'Outdated')
    return [];
  const open = (object.status?.platforms ?? []).filter(({ state }) =>
    verdict === 'Stalled' ? state === 'Failed' : state !== 'Succeeded',
  );
  const whole = conditionOf(object, verdict === 'Stalled' ? 'Stalled' : 'Ready');
  const isTold = whole === undefined || open.some(({ reason }) => reason === whole.reason);
  return [
    ...(isTold || (open.length > 0 && verdict === 'Working')
      ? []
      : [{ platform: undefined, reason: whole.reason, text: sanitizeLine(whole.message) }]),
    ...open.map((platform) => ({
      platform,
      reason: platform.reason,
      text: sanitizeLine(`${platform.platform}: ${platform.message}`),
    })),
  ];
};

/** Each reason is explained once. */
const whyLines = (object: StoredEdgeBuild): readonly string[] => {
  const causes = causesOf(object);
  return causes.flatMap(({ text, reason }, at) => {
    const isLast = causes.findLastIndex((one) => one.reason === reason) === at;
    const meaning = isLast ? meaningOf(reason) : undefined;
    return meaning === undefined ? [text] : [text, `${sanitizeLine(reason)} means: ${meaning}`];
  });
};

/** Undefined: it says all by itself, or an operator that is newer than this has written it. */
const meaningOf = (reason: string): string | undefined =>
  Object.hasOwn(reasons, reason) && reason !== 'Building' ? reasons[reason as Reason] : undefined;

const nextLines = (object: StoredEdgeBuild): readonly string[] => {
  const name = word(object.metadata.name);
  const namespace = word(object.metadata.namespace ?? '');
  switch (verdictOf(object)) {
    case 'Ready':
    case 'Deleting':
      return [];
    case 'Unseen':
    case 'Outdated':
      return ['see whether the operator runs: kubectl get pods -n edgebuild-system'];
    default: {
      const steps = causesOf(object).flatMap(({ platform, reason }) => {
        const of = platform === undefined ? {} : { platform: platform.platform };
        const build = platform?.build === undefined ? {} : { build: word(platform.build) };
        return nextStep(reason, { name, namespace, ...of, ...build }) ?? [];
      });
      return [...new Set(steps)];
    }
  }
};

/** Of builds that are not done; of all where everything is. */
const logLines = ({ metadata, status }: StoredEdgeBuild): readonly string[] => {
  const built = (status?.platforms ?? []).filter(({ build }) => build !== undefined);
  const open = built.filter(({ state }) => state !== 'Succeeded');
  return (open.length > 0 ? open : built).map(({ state, build = '' }) => {
    const follow = state === 'Building' ? ' -f' : '';
    return `oc logs${follow} -n ${word(metadata.namespace ?? '')} ${word(`build/${build}`)}`;
  });
};

/**
 * What users pull. OpenShift's own registry has another name outside of the cluster, where its route is on.
 *
 * Source: docs.openshift.com, registry/accessing-the-registry; `oc registry info --help`.
 */
const imageLines = (object: StoredEdgeBuild, now: number): readonly string[] => {
  const image = object.status?.image;
  if (image === undefined) return [];
  const since = age((now - Date.parse(image.publishedAt)) / 1000);
  const isOld = verdictOf(object) !== 'Ready' && conditionOf(object, 'Published')?.status !== 'True';
  const [, path] = /^[^/]+\/([\w./:@-]+)$/.exec(image.reference) ?? [];
  return [
    sanitizeLine(image.reference),
    `published ${since} ago${isOld ? ', and still what users pull: nothing newer was published' : ''}`,
    ...(path === undefined
      ? []
      : [`pull it: oc registry login && podman pull "$(oc registry info --public)/${path}"`]),
  ];
};

const deployLines = (object: StoredEdgeBuild): readonly string[] => {
  const deployed = conditionOf(object, 'Deployed');
  return deployed === undefined ? [] : [sanitizeLine(deployed.message)];
};

const webhookLines = ({ status }: StoredEdgeBuild, server: string): readonly string[] => {
  const { webhooks = [] } = status ?? {};
  return table(
    webhooks.map(({ type, platform, path }) => [type, platform, `${server}${path}`].map(sanitizeLine)),
  );
};

/** Each with its label, and an empty line before it. */
const blocks = (all: readonly (readonly [string, readonly string[]])[]): readonly string[] =>
  all.flatMap(([label, lines]) =>
    lines.length === 0
      ? []
      : ['', ...lines.map((line, at) => `${(at === 0 ? `${label}:` : '').padEnd(10)}${line}`)],
  );
