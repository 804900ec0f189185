import { type Architecture, magicOf, nativeMachinesOf } from '../src/emulation/architectures.ts';
import { escaped } from '../src/engines/local/binfmt.ts';

/** Where an emulator lies in the stream of all, in bytes, and the SHA-256 of its program. */
export interface Placed {
  readonly offset: number;
  readonly size: number;
  readonly digest: string;
}

/**
 * What the agent knows of an architecture, a line of `architectures` in its image: name, the answers of `uname -m` on
 * nodes that run it themselves, magic, mask (both as binfmt_misc reads them), and where its emulator lies.
 */
export const lineOf = (architecture: Architecture, { offset, size, digest }: Placed): string => {
  const { magic, mask } = magicOf(architecture);
  return [
    architecture.name,
    nativeMachinesOf(architecture).join('|'),
    ...[magic, mask].map(escaped),
    ...[offset, size].map(String),
    `${digest}\n`,
  ].join(' ');
};
