import { architectureOf, readElf } from '../src/image/elf.ts';

/** "ELF 64-bit little endian, arm64, interpreter /lib/ld-linux-aarch64.so.1", of the first bytes of a file. */
export const elfInWords = (head: Buffer): string => {
  const elf = readElf(head);
  if (elf === undefined) return 'not an ELF file';
  const interpreter = elf.interpreter.state === 'path' ? `interpreter ${elf.interpreter.path}` : 'static';
  return `ELF ${elf.class}-bit ${elf.byteOrder} endian, ${architectureOf(elf)}, ${interpreter}`;
};
