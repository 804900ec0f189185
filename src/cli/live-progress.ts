import type { Progress } from '../engines/progress.ts';
import { progressText, type ProgressSink, type ProgressView } from './progress.ts';
import { redrawn } from './redraw.ts';
import type { Paint } from './terminal.ts';
import { duration } from './units.ts';

/** What one platform, or the build as a whole, is doing, and since when in milliseconds. */
export interface LiveLine {
  readonly label: string;
  readonly text: string;
  readonly since: number;
}

const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
export const frameMilliseconds = 100;

/** What turns as long as something is under way, as it stands at `now`. */
export const turning = (now: number): string =>
  spinner[Math.floor(now / frameMilliseconds) % spinner.length] ?? '';

/** The live lines as they are drawn at `now`. */
export const frame = (lines: readonly LiveLine[], now: number, paint: Paint): readonly string[] => {
  const turn = turning(now);
  const width = Math.max(...lines.map((line) => line.label.length));
  return lines.map((line) => {
    const elapsed = duration(Math.floor((now - line.since) / 1000)).padStart(6);
    const label = width === 0 ? [] : [line.label.padEnd(width)];
    return [paint('green', turn), ...label, paint('dim', elapsed), line.text].join('  ');
  });
};

/**
 * Live lines for a person at a terminal: one for each platform, redrawn in place. What a build prints is not shown, its
 * last lines are if it fails; warnings stay above. After `end` nothing of it is left but the warnings.
 */
export const liveProgress = ({
  draw,
  now,
  paint,
}: ProgressSink & { readonly paint: Paint }): ProgressView => {
  const lines = new Map<string, LiveLine>();
  const shown = redrawn(draw);
  let ended = false;

  const redraw = (above = ''): void => {
    shown.show(frame([...lines.values()], now(), paint), above);
  };
  // The clock turns although nothing is reported; it keeps no finished program alive.
  const clock = setInterval(redraw, frameMilliseconds, '').unref();

  const report = (progress: Progress): void => {
    const label = progress.platform ?? '';
    const text = progressText(progress);
    if (ended || progress.kind === 'output') return;
    if (progress.kind === 'warning') {
      redraw(`${paint('yellow', `${label}  ${text}`.trimStart())}\n`);
      return;
    }
    // What concerns all platforms (fetching, publishing) comes before or after what concerns each: one ends the other.
    for (const other of lines.keys()) if ((other === '') !== (label === '')) lines.delete(other);
    lines.set(label, { label, text, since: now() });
    redraw();
  };

  return {
    report,
    end: () => {
      ended = true;
      clearInterval(clock);
      shown.clear();
    },
  };
};
