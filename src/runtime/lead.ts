import type { Fence } from '../kube/client.ts';
import type { LeaderElection } from '../kube/leader.ts';
import type { Logger } from '../ops/log.ts';

export type Terms = LeaderElection;

export interface LeadSettings {
  /** Aborted when the process should end. */
  readonly stop: AbortSignal;
  /** How long work that is under way may go on after `stop`, in milliseconds. */
  readonly graceMs: number;
  /** Undefined: this process is the only one. */
  readonly terms: Terms | undefined;
  /** Works until `over` is aborted, and gives up what is under way when `abandon` is. */
  readonly work: (fence: Fence | undefined, over: AbortSignal, abandon: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/**
 * Does the work while this process leads, term after term, until `stop`. A term that ended before that is no reason to
 * end the process: caches are warm, and it leads again when it can.
 */
export const lead = async ({ stop, graceMs, terms, work, log }: LeadSettings): Promise<void> => {
  while (!stop.aborted) {
    const term = await nextTerm(terms, stop);
    if (term === 'stopped') return;
    const fence = term?.fence;
    const over = new AbortController();
    const abandon = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onStop = (): void => {
      over.abort(stop.reason);
      timer = setTimeout(() => {
        log.warn('work was under way for too long and is given up', { graceMs });
        abandon.abort();
      }, graceMs);
    };
    const onTermEnd = (): void => {
      over.abort();
      abandon.abort();
    };
    stop.addEventListener('abort', onStop, { once: true });
    fence?.signal.addEventListener('abort', onTermEnd, { once: true });
    try {
      await work(fence, over.signal, abandon.signal);
    } finally {
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      fence?.signal.removeEventListener('abort', onTermEnd);
      // After the last write of the term: who leads next sees all of them.
      await term?.release();
    }
  }
};

const nextTerm = async (terms: Terms | undefined, stop: AbortSignal) => {
  try {
    return await terms?.lead(stop);
  } catch (error) {
    if (stop.aborted) return 'stopped';
    throw error;
  }
};
