/** Programs of a few instructions, as machine code with the assembly beside it: tests need no assembler. */
import { platformOf, type PlatformName } from '../../src/api/platforms.ts';

const loadAddress = 0x400000n;
const headerSize = 120;

/** A static 64-bit little-endian executable that loads the whole file and begins behind its headers. */
const executable = (platform: PlatformName, code: string): Buffer => {
  const { elf } = platformOf(platform);
  const text = Buffer.from(code.replaceAll(/\s/g, ''), 'hex');
  const size = BigInt(headerSize + text.length);
  const bytes = Buffer.alloc(headerSize);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(elf.machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(loadAddress + BigInt(headerSize), 24);
  bytes.writeBigUInt64LE(64n, 32);
  for (const [at, value] of [[52, 64], [54, 56], [56, 1]] as const) bytes.writeUInt16LE(value, at); // prettier-ignore
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(5, 68);
  bytes.writeBigUInt64LE(loadAddress, 80);
  bytes.writeBigUInt64LE(loadAddress, 88);
  bytes.writeBigUInt64LE(size, 96);
  bytes.writeBigUInt64LE(size, 104);
  bytes.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([bytes, text]);
};

/** AArch64: `exit(geteuid())`. mov x8,#175; svc #0; mov x8,#93; svc #0 */
export const exitWithEffectiveUser = executable('linux/arm64', 'e81580d2010000d4 a80b80d2010000d4');

/** AArch64: writes to address 0. mov x0,#0; str x0,[x0] */
export const segmentationFault = executable('linux/arm64', '000080d2 000000f9');

/**
 * x86-64: the classic way out of a chroot, for whoever may call chroot. A directory becomes the root while the working
 * directory stays above it; from there `..` leads to the true root. Then /bin/sh of whatever is there, with the
 * program's own arguments.
 */
export const leaveChroot = executable(
  'linux/amd64',
  [
    'b853000000 488d3d5b000000 beed010000 0f05', // mkdir("/escape-room", 0755)
    'b8a1000000 488d3d48000000 0f05', //            chroot("/escape-room")
    'bb40000000', //                                 64 times:
    'b850000000 488d3d42000000 0f05', //              chdir("..")
    'ffcb 75ee',
    'b8a1000000 488d3d33000000 0f05', //            chroot(".")
    'b83b000000 488d3d27000000 488d742408 31d2 0f05', // execve("/bin/sh", argv, NULL)
    'b83c000000 bf63000000 0f05', //                exit(99)
    Buffer.from('/escape-room\0..\0.\0/bin/sh\0').toString('hex'),
  ].join(''),
);
