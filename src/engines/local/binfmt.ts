import type { ElfTarget, Platform } from '../../api/platforms.ts';

/**
 * The line that registers a platform's emulator with the kernel's binfmt_misc
 * (`:name:M:offset:magic:mask:interpreter:flags`, Documentation/admin-guide/binfmt-misc.rst).
 *
 * Flags: F opens the emulator now, so that it works in every container; P keeps argv[0], without which busybox images
 * break; C takes credentials from the program, so that setuid programs work. C is safe here because the handler lives
 * in a user namespace of its own, whose root is nobody on the machine.
 */
export const registration = (platform: Platform, interpreter: string): string => {
  const { magic, mask } = magicOf(platform.elf);
  return `:edgebuild-${platform.qemu}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:PFC`;
};

/**
 * The first 20 bytes of an ELF file: identification, then type and machine. The mask leaves the OS ABI byte open, and
 * the lowest bit of the type: executables (2) and position-independent ones (3) both match.
 */
export const magicOf = (elf: ElfTarget): { readonly magic: Buffer; readonly mask: Buffer } => {
  const little = elf.byteOrder === 'little';
  const magic = Buffer.alloc(20);
  magic.write('\x7fELF', 'latin1');
  magic.set([elf.class === 64 ? 2 : 1, little ? 1 : 2, 1], 4);
  const mask = Buffer.alloc(20, 0xff);
  mask[7] = 0;
  if (little) {
    magic.writeUInt16LE(2, 16);
    magic.writeUInt16LE(elf.machine, 18);
    mask[16] = 0xfe;
  } else {
    magic.writeUInt16BE(2, 16);
    magic.writeUInt16BE(elf.machine, 18);
    mask[17] = 0xfe;
  }
  return { magic, mask };
};

/** Bytes as binfmt_misc's `register` reads them. */
export const escaped = (bytes: Buffer): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
