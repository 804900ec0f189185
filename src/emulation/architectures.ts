import { emulatedNames, type EmulatedName } from '../api/architecture-names.ts';
import { platforms, type ElfTarget, type Platform } from '../api/platforms.ts';
import { escaped, magicOf as magicOfElf } from '../engines/local/binfmt.ts';

/**
 * The architectures whose programs a node can run by emulation: one row each. All that is told to the kernel follows
 * from a row; nothing of it comes from a tenant.
 *
 * Sources: the ELF registry and binutils' include/elf (e_machine, e_flags); QEMU 7.2 (targets; `uname -m` as measured
 * under each of its emulators).
 */
interface Row {
  /** QEMU's name of the target: the emulator is `qemu-<name>`. */
  readonly name: string;
  readonly elf: ElfTarget;
  /** Bits of e_flags that tell the row from one with the same class, byte order and machine. */
  readonly flags?: { readonly mask: number; readonly value: number };
  /** The answers of `uname -m` that prove it, under QEMU or natively. Some do not tell the byte order. */
  readonly machines: readonly string[];
}

const EM_MIPS = 8;
/** e_flags: the n32 ABI where it is set, o32 where it is not. */
const EF_MIPS_ABI2 = 0x20;
const n32 = { mask: EF_MIPS_ABI2, value: EF_MIPS_ABI2 } as const;
const o32 = { mask: EF_MIPS_ABI2, value: 0 } as const;

/** The row of an architecture that OCI names: src/api/platforms.ts has its facts. ARM has several platforms. */
const ofPlatform = <Name extends (typeof platforms)[number]['qemu']>(name: Name) => {
  const rows: readonly Platform[] = platforms.filter(({ qemu }) => qemu === name);
  const [first] = rows;
  if (first === undefined) throw new Error(`no platform is emulated by qemu-${name}`);
  return { name, elf: first.elf, machines: [...new Set(rows.flatMap(({ machines }) => machines))] };
};

// prettier-ignore
export const architectures = [
  ofPlatform('aarch64'),
  { name: 'aarch64_be', elf: { class: 64, byteOrder: 'big', machine: 183 }, machines: ['aarch64_be'] },
  { name: 'alpha', elf: { class: 64, byteOrder: 'little', machine: 0x9026 }, machines: ['alpha'] },
  ofPlatform('arm'),
  { name: 'armeb', elf: { class: 32, byteOrder: 'big', machine: 40 }, machines: ['armv7b'] },
  { name: 'hppa', elf: { class: 32, byteOrder: 'big', machine: 15 }, machines: ['parisc'] },
  ofPlatform('i386'),
  { name: 'm68k', elf: { class: 32, byteOrder: 'big', machine: 4 }, machines: ['m68k'] },
  { name: 'microblaze', elf: { class: 32, byteOrder: 'big', machine: 189 }, machines: ['microblaze'] },
  { name: 'microblazeel', elf: { class: 32, byteOrder: 'little', machine: 189 }, machines: ['microblaze'] },
  { name: 'mips', elf: { class: 32, byteOrder: 'big', machine: EM_MIPS }, flags: o32, machines: ['mips'] },
  { name: 'mipsel', elf: { class: 32, byteOrder: 'little', machine: EM_MIPS }, flags: o32, machines: ['mips'] },
  { name: 'mipsn32', elf: { class: 32, byteOrder: 'big', machine: EM_MIPS }, flags: n32, machines: ['mips64'] },
  { name: 'mipsn32el', elf: { class: 32, byteOrder: 'little', machine: EM_MIPS }, flags: n32, machines: ['mips64'] },
  { name: 'mips64', elf: { class: 64, byteOrder: 'big', machine: EM_MIPS }, machines: ['mips64'] },
  ofPlatform('mips64el'),
  { name: 'ppc', elf: { class: 32, byteOrder: 'big', machine: 20 }, machines: ['ppc'] },
  { name: 'ppc64', elf: { class: 64, byteOrder: 'big', machine: 21 }, machines: ['ppc64'] },
  ofPlatform('ppc64le'),
  { name: 'riscv32', elf: { class: 32, byteOrder: 'little', machine: 243 }, machines: ['riscv32'] },
  ofPlatform('riscv64'),
  ofPlatform('s390x'),
  { name: 'sh4', elf: { class: 32, byteOrder: 'little', machine: 42 }, machines: ['sh4'] },
  { name: 'sh4eb', elf: { class: 32, byteOrder: 'big', machine: 42 }, machines: ['sh4'] },
  { name: 'sparc32plus', elf: { class: 32, byteOrder: 'big', machine: 18 }, machines: ['sparc64'] },
  { name: 'xtensa', elf: { class: 32, byteOrder: 'little', machine: 94 }, machines: ['xtensa'] },
  { name: 'xtensaeb', elf: { class: 32, byteOrder: 'big', machine: 94 }, machines: ['xtensa'] },
] as const satisfies readonly Row[];

export type ArchitectureName = (typeof architectures)[number]['name'];

export interface Architecture extends Row {
  readonly name: ArchitectureName;
}

export const architectureNamed = (name: ArchitectureName): Architecture => {
  const architecture = architectures.find((row) => row.name === name);
  if (architecture === undefined) throw new Error(`no architecture ${name}`);
  return architecture;
};

/** The OCI platforms whose programs an architecture's emulator runs: none, or one, or ARM's two. */
export const platformsOf = (architecture: Architecture): readonly Platform[] =>
  platforms.filter(({ qemu }) => qemu === architecture.name);

/** How objects, labels and metrics call an architecture: as OCI does, where it has a platform, else as QEMU does. */
export const nameOf = (architecture: Architecture): EmulatedName => {
  const oci = platformsOf(architecture).at(0)?.architecture;
  const found = emulatedNames.find((name) => name === (oci ?? architecture.name));
  if (found === undefined)
    throw new Error(`src/api/architecture-names.ts does not have ${architecture.name}`);
  return found;
};

const byName = new Map<string, Architecture>(architectures.map((row) => [nameOf(row), row]));

/** The row that objects call by this name. */
export const architectureCalled = (name: EmulatedName): Architecture => {
  const architecture = byName.get(name);
  if (architecture === undefined) throw new Error(`no architecture is called ${name}`);
  return architecture;
};

/** Whose emulator runs a platform's programs; undefined for linux/amd64, which no node of ours emulates. */
export const architectureOfPlatform = (platform: Platform): Architecture | undefined =>
  architectures.find((row) => row.name === platform.qemu);

/** What else a kernel runs as its own, by `uname -m`: every x86_64 does, an ARM processor may lack its 32-bit state. */
const companions: Readonly<Record<string, readonly [name: ArchitectureName, answer: 'yes' | 'perhaps']>> = {
  x86_64: ['i386', 'yes'],
  aarch64: ['arm', 'perhaps'],
};

/**
 * Whether a node runs an architecture without emulation, by what `uname -m` says on it. Where that does not tell the
 * byte order both are native: a handler for the node's own programs breaks every exec on it, so `yes` must be refused.
 */
export const runsNatively = (architecture: Architecture, machine: string): 'yes' | 'perhaps' | 'no' => {
  if (architecture.machines.includes(machine)) return 'yes';
  const companion = companions[machine];
  return companion?.[0] === architecture.name ? companion[1] : 'no';
};

/** The answers of `uname -m` on nodes that certainly run an architecture themselves. */
export const nativeMachinesOf = (architecture: Architecture): readonly string[] => [
  ...architecture.machines,
  ...Object.keys(companions).filter(
    (machine) => companions[machine]?.[0] === architecture.name && companions[machine][1] === 'yes',
  ),
];

/** Where e_flags stands in an ELF header. */
const flagsAt = { 32: 36, 64: 48 } as const;

/**
 * The bytes by which the kernel knows an architecture's programs, and which bits of them count: the first 20, or up to
 * e_flags where a row has a condition on them. MIPS has two versions of its ABI (EI_ABIVERSION 1: calls through a PLT).
 */
export const magicOf = ({ elf, flags }: Architecture): ReturnType<typeof magicOfElf> => {
  const { magic, mask } = magicOfElf(elf);
  if (elf.machine === EM_MIPS) mask[8] = 0xfe;
  if (flags === undefined) return { magic, mask };
  const upToFlags = (head: Buffer, value: number): Buffer => {
    const bytes = Buffer.alloc(flagsAt[elf.class] + 4);
    head.copy(bytes);
    if (elf.byteOrder === 'little') bytes.writeUInt32LE(value, flagsAt[elf.class]);
    else bytes.writeUInt32BE(value, flagsAt[elf.class]);
    return bytes;
  };
  return { magic: upToFlags(magic, flags.value), mask: upToFlags(mask, flags.mask) };
};

/** fs/binfmt_misc.c: MAX_REGISTER_LENGTH. */
const maxRegistration = 1920;

/**
 * The line for binfmt_misc's `register`: `:name:M::magic:mask:interpreter:flags`
 * (Documentation/admin-guide/binfmt-misc.rst).
 *
 * @throws RangeError if the kernel would refuse or misread it.
 */
export const registrationOf = (
  architecture: Architecture,
  handler: { readonly name: string; readonly interpreter: string; readonly flags: string },
): string => {
  const { name, interpreter, flags } = handler;
  if (!/^[\w-][\w.-]*$/.test(name)) throw new RangeError(`no name for a handler: ${name}`);
  if (!/^\/[^:\n\0]+$/.test(interpreter)) throw new RangeError(`no path for a handler: ${interpreter}`);
  if (!/^[POCF]+$/.test(flags)) throw new RangeError(`no flags of binfmt_misc: ${flags}`);
  const { magic, mask } = magicOf(architecture);
  const line = `:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:${flags}`;
  if (Buffer.byteLength(line) > maxRegistration)
    throw new RangeError(`binfmt_misc reads at most ${maxRegistration} bytes: ${interpreter} is too long`);
  return line;
};
