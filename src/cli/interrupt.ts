const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `work` with a signal that aborts at the first SIGINT, SIGTERM or SIGHUP, and waits for its end: it is the work
 * that cleans up. Until then further signals change nothing; an impatient second Ctrl-C must not leave half of it.
 */
export const interruptible = async <Result>(
  tell: (text: string) => void,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    tell(`${name}: ${controller.signal.aborted ? 'still cleaning up' : 'ending the work and cleaning up'}`);
    controller.abort();
  };
  for (const name of signals) process.on(name, interrupt);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
};
