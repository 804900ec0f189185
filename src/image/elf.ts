import type { ElfTarget, Platform } from '../api/platforms.ts';

/**
 * What the head of an ELF file says about who can run it.
 *
 * Source: System V ABI, chapter 4 "Object files" and chapter 5 "Program loading"; `man 5 elf`.
 */
export interface Elf extends ElfTarget {
  readonly type: 'relocatable' | 'executable' | 'shared' | 'core' | 'other';
  /**
   * The path in PT_INTERP. `none`: a static program, a library or an object file. `unknown`: there may be one, but
   * the program headers or the path are cut off, contradict themselves or lie out of reach.
   */
  readonly interpreter: Interpreter;
}

export type Interpreter =
  | { readonly state: 'none' }
  | { readonly state: 'unknown' }
  | { readonly state: 'path'; readonly path: string };

/** Bytes of a file: `length` of them from `offset`. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** The header, and where the program headers stand. */
export interface ElfHeader extends ElfTarget {
  readonly type: Elf['type'];
  readonly programHeaders: Range | 'unknown';
  readonly programHeaderSize: number;
}

const types = ['other', 'relocatable', 'executable', 'shared', 'core'] as const;
const PT_INTERP = 3;
/** e_phnum says "look elsewhere": no program that is run has so many. */
const PN_XNUM = 0xffff;
/** PATH_MAX with its NUL: the kernel refuses longer interpreters (fs/binfmt_elf.c). */
const MAX_INTERPRETER = 4096;
/** The kernel refuses larger tables (ELF_MIN_ALIGN at most 64 KiB, fs/binfmt_elf.c load_elf_phdrs). */
const MAX_PROGRAM_HEADERS = 65536;

const uint = (bytes: Buffer, at: number, size: 2 | 4, order: ElfTarget['byteOrder']): number =>
  order === 'little' ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);

/** A 64-bit value, or Infinity where a file of that size cannot be. */
const offsetOf = (bytes: Buffer, at: number, bits: 32 | 64, order: ElfTarget['byteOrder']): number => {
  if (bits === 32) return uint(bytes, at, 4, order);
  const value = order === 'little' ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(value);
};

/** The header in the first 64 bytes of a file; undefined if these are not the bytes of an ELF file. */
export const elfHeader = (bytes: Buffer): ElfHeader | undefined => {
  if (bytes.length < 20 || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const bits = bytes[4] === 1 ? 32 : bytes[4] === 2 ? 64 : undefined;
  const order = bytes[5] === 1 ? 'little' : bytes[5] === 2 ? 'big' : undefined;
  if (bits === undefined || order === undefined) return undefined;
  const type = types[uint(bytes, 16, 2, order)] ?? 'other';
  const machine = uint(bytes, 18, 2, order);
  const whole = bits === 32 ? 52 : 64;
  const target = { class: bits, byteOrder: order, machine, type } as const;
  if (bytes.length < whole) return { ...target, programHeaders: 'unknown', programHeaderSize: 0 };
  const size = uint(bytes, bits === 32 ? 42 : 54, 2, order);
  const count = uint(bytes, bits === 32 ? 44 : 56, 2, order);
  const offset = offsetOf(bytes, bits === 32 ? 28 : 32, bits, order);
  const readable =
    count === 0 ||
    (count < PN_XNUM &&
      size === (bits === 32 ? 32 : 56) &&
      size * count <= MAX_PROGRAM_HEADERS &&
      Number.isFinite(offset));
  return {
    ...target,
    programHeaders: readable ? { offset: count === 0 ? 0 : offset, length: size * count } : 'unknown',
    programHeaderSize: size,
  };
};

/** Where PT_INTERP's path stands, by the bytes of the program headers. */
export const interpreterRange = (header: ElfHeader, programHeaders: Buffer): Range | 'none' | 'unknown' => {
  const { programHeaderSize: step, byteOrder: order, class: bits } = header;
  if (header.programHeaders === 'unknown' || programHeaders.length < header.programHeaders.length)
    return 'unknown';
  for (let at = 0; at + step <= programHeaders.length && step > 0; at += step) {
    if (uint(programHeaders, at, 4, order) !== PT_INTERP) continue;
    const offset = offsetOf(programHeaders, at + (bits === 32 ? 4 : 8), bits, order);
    const length = offsetOf(programHeaders, at + (bits === 32 ? 16 : 32), bits, order);
    return length >= 2 && length <= MAX_INTERPRETER && Number.isFinite(offset)
      ? { offset, length }
      : 'unknown';
  }
  return 'none';
};

/** The facts of a header with what was found of its interpreter's bytes. */
export const elfOf = (header: ElfHeader, interpreter: Buffer | 'none' | 'unknown'): Elf => {
  const { class: bits, byteOrder, machine, type } = header;
  const target = { class: bits, byteOrder, machine, type };
  if (typeof interpreter === 'string') return { ...target, interpreter: { state: interpreter } };
  const end = interpreter.indexOf(0);
  // The kernel wants the NUL inside the segment (ENOEXEC otherwise).
  if (end < 1) return { ...target, interpreter: { state: 'unknown' } };
  return { ...target, interpreter: { state: 'path', path: interpreter.toString('latin1', 0, end) } };
};

/**
 * Reads the head of a file, of any length. Undefined if it is not an ELF file; never throws. What lies beyond the
 * given bytes makes the interpreter `unknown`.
 */
export const readElf = (bytes: Buffer): Elf | undefined => {
  const header = elfHeader(bytes);
  if (header === undefined) return undefined;
  const slice = ({ offset, length }: Range): Buffer => bytes.subarray(offset, offset + length);
  if (header.programHeaders === 'unknown') return elfOf(header, 'unknown');
  const interpreter = interpreterRange(header, slice(header.programHeaders));
  return elfOf(header, typeof interpreter === 'string' ? interpreter : slice(interpreter));
};

/** OCI's (Go's) architecture words by e_machine; where class or byte order matter: [64 little, 64 big, 32 little, 32 big]. */
// prettier-ignore
const architectures: Readonly<Record<number, string | readonly [string, string, string, string]>> = {
  2: 'sparc', 3: '386', 4: 'm68k', 8: ['mips64le', 'mips64', 'mipsle', 'mips'], 15: 'parisc', 18: 'sparc32plus', 20: 'ppc',
  21: ['ppc64le', 'ppc64', 'ppc64le', 'ppc64'], 22: ['s390x', 's390x', 's390', 's390'], 40: ['arm', 'armbe', 'arm', 'armbe'],
  42: 'sh4', 43: 'sparc64', 50: 'ia64', 62: ['amd64', 'amd64', 'amd64p32', 'amd64p32'], 76: 'cris', 83: 'avr', 92: 'openrisc',
  93: 'arc', 94: 'xtensa', 105: 'msp430', 113: 'nios2', 164: 'hexagon', 183: ['arm64', 'arm64be', 'arm64', 'arm64be'],
  189: 'microblaze', 190: 'cuda', 195: 'arc', 224: 'amdgpu', 243: ['riscv64', 'riscv64', 'riscv32', 'riscv32'], 247: 'bpf',
  252: 'csky', 258: ['loong64', 'loong64', 'loong32', 'loong32'], 36902: 'alpha',
};

/** The architecture as OCI names it, platforms EdgeBuild has no row for included; `machine N` if nobody we know does. */
export const architectureOf = (elf: ElfTarget): string => {
  const words = architectures[elf.machine];
  if (words === undefined) return `machine ${elf.machine}`;
  if (typeof words === 'string') return words;
  return words[(elf.class === 64 ? 0 : 2) + (elf.byteOrder === 'little' ? 0 : 1)] ?? `machine ${elf.machine}`;
};

/** Whether a kernel of the platform runs it as its own. Says nothing of the variant: ARM v6 and v7 share a header. */
export const matchesPlatform = (elf: ElfTarget, platform: Platform): boolean =>
  elf.class === platform.elf.class &&
  elf.byteOrder === platform.elf.byteOrder &&
  elf.machine === platform.elf.machine;
