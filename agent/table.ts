import { type Architecture, magicOf, nativeMachinesOf } from '../src/emulation/architectures.ts';
import { escaped } from '../src/engines/local/binfmt.ts';

/**
 * What the agent knows of an architecture, a line of `architectures` in its image: name, the answers of `uname -m` on
 * nodes that run it themselves, magic, mask (both as binfmt_misc reads them), and the SHA-256 of its emulator.
 */
export const lineOf = (architecture: Architecture, digest: string): string => {
  const { magic, mask } = magicOf(architecture);
  return [
    architecture.name,
    nativeMachinesOf(architecture).join('|'),
    ...[magic, mask].map(escaped),
    `${digest}\n`,
  ].join(' ');
};
