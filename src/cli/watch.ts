import type { Report } from '../engines/progress.ts';
import { liveProgress } from './live-progress.ts';
import { plainProgress, type ProgressView } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Standard error while builds run. */
export interface Watch {
  /** Words for a person, now: while a build is shown they stand above its live lines and do not disturb them. */
  readonly tell: (text: string) => void;
  /** Runs `work` and shows what it reports. */
  readonly show: <Result>(work: (report: Report) => Promise<Result>) => Promise<Result>;
}

export const watchOn = (terminal: Terminal): Watch => {
  let view: ProgressView | undefined;
  return {
    tell: (text) => {
      if (view === undefined) terminal.tell(text);
      else view.report({ kind: 'warning', text });
    },
    show: async (work) => {
      const shown = progressView(terminal);
      view = shown;
      try {
        return await work(shown.report);
      } finally {
        shown.end();
        view = undefined;
      }
    },
  };
};

const progressView = ({ draw, paintProgress, liveLines }: Terminal): ProgressView => {
  const now = (): number => performance.now();
  return liveLines ? liveProgress({ draw, now, paint: paintProgress }) : plainProgress({ draw, now });
};
