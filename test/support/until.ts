import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks until `found` is satisfied with what it sees, and returns that; after `deadline` milliseconds what it saw last.
 * What is asserted of it is the caller's: nothing here depends on how fast the machine is.
 */
export const until = async <Seen>(
  look: () => Promise<Seen> | Seen,
  found: (seen: Seen) => boolean,
  deadline = 10_000,
): Promise<Seen> => {
  const end = Date.now() + deadline;
  for (;;) {
    const seen = await look();
    if (found(seen) || Date.now() > end) return seen;
    await pause(50);
  }
};
