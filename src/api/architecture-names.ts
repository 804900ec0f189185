/**
 * The architectures that nodes can emulate, by the names that stand in objects, labels and metrics: OCI's where
 * EdgeBuild builds images for one, QEMU's for all others. src/emulation/architectures.ts has the facts of each.
 */
// prettier-ignore
export const emulatedNames = [
  '386', 'aarch64_be', 'alpha', 'arm', 'arm64', 'armeb', 'hppa', 'm68k', 'microblaze', 'microblazeel', 'mips',
  'mips64', 'mips64le', 'mipsel', 'mipsn32', 'mipsn32el', 'ppc', 'ppc64', 'ppc64le', 'riscv32', 'riscv64', 's390x',
  'sh4', 'sh4eb', 'sparc32plus', 'xtensa', 'xtensaeb',
] as const;
export type EmulatedName = (typeof emulatedNames)[number];
