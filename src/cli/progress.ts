import type { Progress, Report } from '../engines/progress.ts';
import { sanitizeLine } from './sanitize.ts';
import { duration } from './units.ts';

/** A build as it is watched, until `end`. */
export interface ProgressView {
  readonly report: Report;
  readonly end: () => void;
}

/** Where the lines go, and a clock in milliseconds. */
export interface ProgressSink {
  readonly draw: (text: string) => void;
  readonly now: () => number;
}

/** What is said of an event, in one line without the platform. A step of several lines becomes one. */
export const progressText = (progress: Progress): string => {
  switch (progress.kind) {
    case 'activity':
      return sanitizeLine(progress.text);
    case 'step':
      return `step ${progress.step}/${progress.steps}: ${sanitizeLine(progress.text.replaceAll(/\s+/g, ' '))}`;
    case 'output':
      return `| ${sanitizeLine(progress.line)}`;
    case 'warning':
      return `warning: ${sanitizeLine(progress.text)}`;
  }
};

/**
 * Plain lines for logs and pipes: time since the beginning, platform, what. Each line begins with the time, so that
 * nothing a build prints stands at the beginning of one, where CI services look for commands (`::error::`).
 */
export const plainProgress = ({ draw, now }: ProgressSink): ProgressView => {
  const begin = now();
  return {
    report: (progress) => {
      const time = duration((now() - begin) / 1000).padStart(6);
      const who = progress.platform === undefined ? '' : `${progress.platform}  `;
      draw(`${`${time}  ${who}${progressText(progress)}`.trimEnd()}\n`);
    },
    end: () => undefined,
  };
};
