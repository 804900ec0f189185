import type { Progress } from '../engines/progress.ts';
import { progressText, type ProgressSink, type ProgressView } from './progress.ts';
import type { Paint } from './terminal.ts';
import { duration } from './units.ts';

/** What one platform, or the build as a whole, is doing, and since when in milliseconds. */
export interface LiveLine {
  readonly label: string;
  readonly text: string;
  readonly since: number;
}

const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const frameMilliseconds = 100;

/** The live lines as they are drawn at `now`. */
export const frame = (lines: readonly LiveLine[], now: number, paint: Paint): readonly string[] => {
  const turn = spinner[Math.floor(now / frameMilliseconds) % spinner.length] ?? '';
  const width = Math.max(...lines.map((line) => line.label.length));
  return lines.map((line) => {
    const elapsed = duration(Math.floor((now - line.since) / 1000)).padStart(6);
    const label = width === 0 ? [] : [line.label.padEnd(width)];
    return [paint('green', turn), ...label, paint('dim', elapsed), line.text].join('  ');
  });
};

/** Line wrapping off and on (DECAWM): a line too long is cut by the terminal, so one line is one row, whatever it holds. */
const wrapOff = '\u001b[?7l';
const wrapOn = '\u001b[?7h';

/** Back over `rows` drawn rows, and all below erased (ECMA-48 CUU and ED). */
const erase = (rows: number): string => (rows === 0 ? '' : `\r\u001b[${rows}A\u001b[J`);

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
  let rows = 0;
  let ended = false;

  const redraw = (above = ''): void => {
    const drawn = frame([...lines.values()], now(), paint);
    draw(erase(rows) + above + wrapOff + drawn.map((line) => `${line}\n`).join('') + wrapOn);
    rows = drawn.length;
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
      draw(erase(rows));
    },
  };
};
