import type { Config } from '../config.ts';
import { readRunConfig, type RunFlags } from '../run-config.ts';
import { exits, type Exit } from './exit.ts';
import type { Terminal } from './terminal.ts';

/**
 * `edgebuild run`: a stub that only judges flags and environment.
 *
 * @throws InputError
 */
export const run: (flags: RunFlags, config: Config, terminal: Terminal) => Promise<Exit> = async (flags) => {
  readRunConfig(flags);
  return Promise.resolve(exits.done);
};
