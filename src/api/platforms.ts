/**
 * The platforms an EdgeBuild can ask for: one row each.
 *
 * Sources: OCI image-spec (os, architecture, variant are Go's GOOS/GOARCH words), the ELF registry (e_machine),
 * `uname -m` as the kernel and QEMU's user mode answer it, Debian's architecture names.
 */
interface Row {
  readonly name: string;
  readonly os: 'linux';
  /** OCI architecture. */
  readonly architecture: string;
  /** OCI variant; absent where the architecture has only one. */
  readonly variant?: string;
  /** The answers of `uname -m` that prove this platform, natively or under QEMU. */
  readonly machines: readonly string[];
  readonly elf: ElfTarget;
  /** QEMU's name of the target: the emulator is `qemu-<target>`. */
  readonly qemu: string;
  /** Debian's name of the architecture. */
  readonly debian: string;
}

/** What the ELF header of a program for a platform says. */
export interface ElfTarget {
  readonly class: 32 | 64;
  readonly byteOrder: 'little' | 'big';
  /** e_machine. */
  readonly machine: number;
}

const elf = (bits: 32 | 64, byteOrder: 'little' | 'big', machine: number): ElfTarget => ({
  class: bits,
  byteOrder,
  machine,
});

const arm = elf(32, 'little', 40);

// prettier-ignore
export const platforms = [
  { name: 'linux/amd64', os: 'linux', architecture: 'amd64', machines: ['x86_64'], elf: elf(64, 'little', 62), qemu: 'x86_64', debian: 'amd64' },
  { name: 'linux/arm64', os: 'linux', architecture: 'arm64', machines: ['aarch64'], elf: elf(64, 'little', 183), qemu: 'aarch64', debian: 'arm64' },
  { name: 'linux/arm/v7', os: 'linux', architecture: 'arm', variant: 'v7', machines: ['armv7l', 'armv8l'], elf: arm, qemu: 'arm', debian: 'armhf' },
  { name: 'linux/arm/v6', os: 'linux', architecture: 'arm', variant: 'v6', machines: ['armv6l', 'armv7l', 'armv8l'], elf: arm, qemu: 'arm', debian: 'armel' },
  { name: 'linux/386', os: 'linux', architecture: '386', machines: ['i686', 'i586', 'i486', 'i386'], elf: elf(32, 'little', 3), qemu: 'i386', debian: 'i386' },
  { name: 'linux/ppc64le', os: 'linux', architecture: 'ppc64le', machines: ['ppc64le'], elf: elf(64, 'little', 21), qemu: 'ppc64le', debian: 'ppc64el' },
  { name: 'linux/s390x', os: 'linux', architecture: 's390x', machines: ['s390x'], elf: elf(64, 'big', 22), qemu: 's390x', debian: 's390x' },
  { name: 'linux/riscv64', os: 'linux', architecture: 'riscv64', machines: ['riscv64'], elf: elf(64, 'little', 243), qemu: 'riscv64', debian: 'riscv64' },
  { name: 'linux/mips64le', os: 'linux', architecture: 'mips64le', machines: ['mips64'], elf: elf(64, 'little', 8), qemu: 'mips64el', debian: 'mips64el' },
] as const satisfies readonly Row[];

export type PlatformName = (typeof platforms)[number]['name'];

export interface Platform extends Row {
  /** `os/architecture[/variant]`, as in `spec.platforms`. */
  readonly name: PlatformName;
}

export const platformNames = platforms.map((platform) => platform.name);

/** The row of a name that the schema has admitted. */
export const platformOf = (name: PlatformName): Platform => {
  const platform = platforms.find((row) => row.name === name);
  if (platform === undefined) throw new Error(`no platform ${name}`);
  return platform;
};

/** The platform of a machine, by what `uname -m` says on it; undefined if EdgeBuild has no row for it. */
export const platformOfMachine = (machine: string): Platform | undefined =>
  platforms.find((row: Platform) => row.machines.includes(machine));
