import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { emulatorOf } from '../../agent/emulators.ts';
import { probeOf, probeOutput, probeStatus } from '../../agent/probes.ts';
import { platformOf, platforms } from '../../src/api/platforms.ts';
import {
  type Architecture,
  architectureNamed,
  architectureOfPlatform,
  architectures,
  magicOf,
  platformsOf,
  registrationOf,
  runsNatively,
} from '../../src/emulation/architectures.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { elfFile } from '../support/images.ts';

afterAll(removeDirectories);

const rows: readonly Architecture[] = architectures;
const names = architectures.map(({ name }) => name);

/** The recipe's 26 (design/binfmt.md), as it writes them. */
const recipe =
  'alpha arm armeb sparc32plus ppc ppc64 ppc64le m68k mips mipsel mipsn32 mipsn32el mips64 mips64el sh4 sh4eb s390x ' +
  'aarch64 aarch64_be hppa riscv32 riscv64 xtensa xtensaeb microblaze microblazeel';

/** As the kernel compares (fs/binfmt_misc.c, search_binfmt_handler). */
const matches = (file: Buffer, row: Architecture): boolean => {
  const { magic, mask } = magicOf(row);
  return magic.every((byte, at) => ((byte ^ (file[at] ?? 0)) & (mask[at] ?? 0)) === 0);
};

const matching = (file: Buffer): readonly string[] =>
  rows.filter((row) => matches(file, row)).map(({ name }) => name);

test('the table has the 26 targets of the recipe and i386', () => {
  expect([...names].sort()).toEqual([...recipe.split(' '), 'i386'].sort());
});

describe('magic and mask', () => {
  test('of any two rows: no file matches both', () => {
    // A file that matches both exists exactly if no bit that both look at is wanted 0 by one and 1 by the other.
    const opposed = (one: Architecture, other: Architecture): boolean => {
      const [a, b] = [magicOf(one), magicOf(other)];
      return [...a.magic].some((byte, at) => {
        const both = (a.mask[at] ?? 0) & (b.mask[at] ?? 0);
        return ((byte ^ (b.magic[at] ?? 0)) & both) !== 0;
      });
    };
    const pairs = rows.flatMap((one, at) => rows.slice(at + 1).map((other) => [one, other] as const));
    expect(pairs).toHaveLength((27 * 26) / 2);
    const overlapping = pairs.filter(([one, other]) => !opposed(one, other));
    expect(overlapping.map((pair) => pair.map(({ name }) => name))).toEqual([]);
  });

  test.each(names)('of %s match its own probe, and no other’s does', (name) => {
    expect(matching(probeOf(name))).toEqual([name]);
  });

  test.each(names)('of %s ask for no bit that the mask hides, and fit what the kernel looks at', (name) => {
    const { magic, mask } = magicOf(architectureNamed(name));
    expect(magic.length).toBe(mask.length);
    // include/linux/binfmts.h: BINPRM_BUF_SIZE.
    expect(magic.length).toBeLessThanOrEqual(256);
    expect([...magic].filter((byte, at) => (byte & ~(mask[at] ?? 0)) !== 0)).toEqual([]);
  });

  const nodes = [
    ['x86_64', { class: 64, byteOrder: 'little', machine: 62 }],
    ['aarch64', { class: 64, byteOrder: 'little', machine: 183 }],
  ] as const;

  test.each(nodes)('match no program of an %s node, as far as it is not its own', (node, elf) => {
    const admitted = rows.filter((row) => runsNatively(row, node) !== 'yes');
    for (const type of [2, 3]) {
      const program = elfFile(elf, { interpreter: '/lib/ld.so', type });
      expect(admitted.filter((row) => matches(program, row))).toEqual([]);
    }
  });

  test('match no program of this machine: not the node that runs this', () => {
    const program = readFileSync(process.execPath).subarray(0, 256);
    const admitted = rows.filter((row) => runsNatively(row, machine()) !== 'yes');
    expect(admitted.filter((row) => matches(program, row))).toEqual([]);
  });

  test('of MIPS admit both versions of its ABI, and of no other machine', () => {
    const admitting = names.filter((name) => {
      const probe = probeOf(name);
      probe[8] = 1;
      return matching(probe).length > 0;
    });
    expect(admitting).toEqual(['mips', 'mipsel', 'mipsn32', 'mipsn32el', 'mips64', 'mips64el']);
  });
});

describe('a node’s own architecture', () => {
  test.each([
    ['x86_64', ['i386'], []],
    ['aarch64', ['aarch64'], ['arm']],
    ['armv7l', ['arm'], []],
    ['i686', ['i386'], []],
    ['s390x', ['s390x'], []],
    ['mips64', ['mipsn32', 'mipsn32el', 'mips64', 'mips64el'], []],
    ['no such machine', [], []],
  ])('on %s: %j, and perhaps %j', (node, own, perhaps) => {
    const answering = (answer: string): readonly string[] =>
      rows.filter((row) => runsNatively(row, node) === answer).map(({ name }) => name);
    expect(answering('yes')).toEqual(own);
    expect(answering('perhaps')).toEqual(perhaps);
  });
});

describe('OCI platforms', () => {
  test.each(platforms.map(({ name }) => name))('%s has the row whose emulator is its', (name) => {
    const platform = platformOf(name);
    const row = architectureOfPlatform(platform);
    expect(row?.name).toBe(name === 'linux/amd64' ? undefined : platform.qemu);
    if (row === undefined) return;
    expect(row.elf).toEqual(platform.elf);
    expect(row.machines).toEqual(expect.arrayContaining([...platform.machines]));
    expect(platformsOf(row)).toContainEqual(platform);
  });

  test('ARM’s two are one architecture; most have none', () => {
    expect(platformsOf(architectureNamed('arm')).map(({ name }) => name)).toEqual([
      'linux/arm/v7',
      'linux/arm/v6',
    ]);
    expect(platformsOf(architectureNamed('alpha'))).toEqual([]);
  });
});

/**
 * Target, magic and mask of /usr/lib/binfmt.d/qemu-*.conf in Debian 12 (qemu-user-static 1:7.2). It has none for
 * aarch64_be, i386 and microblazeel.
 */
// prettier-ignore
const debian: readonly (readonly [Architecture['name'], magic: string, mask: string])[] = [
  ['aarch64', '7f454c460201010000000000000000000200b700', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['alpha', '7f454c4602010100000000000000000002002690', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['arm', '7f454c4601010100000000000000000002002800', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['armeb', '7f454c4601020100000000000000000000020028', 'ffffffffffffff00fffffffffffffffffffeffff'],
  ['hppa', '7f454c460102010000000000000000000002000f', 'ffffffffffffff00fffffffffffffffffffeffff'],
  ['m68k', '7f454c4601020100000000000000000000020004', 'ffffffffffffff00fffffffffffffffffffeffff'],
  ['microblaze', '7f454c460102010000000000000000000002baab', 'ffffffffffffff00fffffffffffffffffffeffff'],
  ['mips', '7f454c46010201000000000000000000000200080000000000000000000000000000000000000000', 'ffffffffffffff00fefffffffffffffffffeffff0000000000000000000000000000000000000020'],
  ['mips64', '7f454c4602020100000000000000000000020008', 'ffffffffffffff00fefffffffffffffffffeffff'],
  ['mips64el', '7f454c4602010100000000000000000002000800', 'ffffffffffffff00fefffffffffffffffeffffff'],
  ['mipsel', '7f454c46010101000000000000000000020008000000000000000000000000000000000000', 'ffffffffffffff00fefffffffffffffffeffffff0000000000000000000000000000000020'],
  ['mipsn32', '7f454c46010201000000000000000000000200080000000000000000000000000000000000000020', 'ffffffffffffff00fefffffffffffffffffeffff0000000000000000000000000000000000000020'],
  ['mipsn32el', '7f454c46010101000000000000000000020008000000000000000000000000000000000020', 'ffffffffffffff00fefffffffffffffffeffffff0000000000000000000000000000000020'],
  ['ppc', '7f454c4601020100000000000000000000020014', 'fffffffffffffffcfffffffffffffffffffeffff'],
  ['ppc64', '7f454c4602020100000000000000000000020015', 'fffffffffffffffcfffffffffffffffffffeffff'],
  ['ppc64le', '7f454c4602010100000000000000000002001500', 'fffffffffffffffcfffffffffffffffffeffff00'],
  ['riscv32', '7f454c460101010000000000000000000200f300', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['riscv64', '7f454c460201010000000000000000000200f300', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['s390x', '7f454c4602020100000000000000000000020016', 'fffffffffffffffcfffffffffffffffffffeffff'],
  ['sh4', '7f454c4601010100000000000000000002002a00', 'fffffffffffffffcfffffffffffffffffeffffff'],
  ['sh4eb', '7f454c460102010000000000000000000002002a', 'fffffffffffffffcfffffffffffffffffffeffff'],
  ['sparc32plus', '7f454c4601020100000000000000000000020012', 'fffffffffffffffcfffffffffffffffffffeffff'],
  ['xtensa', '7f454c4601010100000000000000000002005e00', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['xtensaeb', '7f454c460102010000000000000000000002005e', 'ffffffffffffff00fffffffffffffffffffeffff'],
];

const osAbi = { at: 7, reason: 'the OS ABI is left open for every machine, not for most only' };
const highMachine = {
  at: 19,
  reason: 'the upper byte of the machine counts: Debian admits any machine that ends in 0x15',
};
const newMachine =
  'the registered machine (189); Linux and QEMU take 0xbaab too, as EM_MICROBLAZE_OLD, but one entry cannot';

/** Where ours differ from Debian's, and why. */
const intended: Partial<Record<Architecture['name'], readonly { at: number; reason: string }[]>> = {
  ppc: [osAbi],
  ppc64: [osAbi],
  ppc64le: [osAbi, highMachine],
  s390x: [osAbi],
  sh4: [osAbi],
  sh4eb: [osAbi],
  sparc32plus: [osAbi],
  microblaze: [
    { at: 18, reason: newMachine },
    { at: 19, reason: newMachine },
  ],
};

describe('what Debian registers', () => {
  test.each(debian)('for %s is the same but for what differs by intent', (name, magic, mask) => {
    const ours = magicOf(architectureNamed(name));
    const theirs = { magic: Buffer.from(magic, 'hex'), mask: Buffer.from(mask, 'hex') };
    const length = Math.max(ours.mask.length, theirs.mask.length);
    const differing = Array.from({ length }, (_, at) => at).filter((at) => {
      const [own, other] = [ours.mask[at] ?? 0, theirs.mask[at] ?? 0];
      return own !== other || (((ours.magic[at] ?? 0) ^ (theirs.magic[at] ?? 0)) & own) !== 0;
    });
    expect(differing).toEqual((intended[name] ?? []).map(({ at }) => at));
  });

  // scripts/setup.sh installs QEMU without these files; where a machine has them, they are what stands above.
  test('is what this machine’s files say, where it has them', () => {
    const bytes = (text: string): string =>
      Buffer.from(
        text.replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
        'latin1',
      ).toString('hex');
    const found = names.flatMap((name) => {
      const file = `/usr/lib/binfmt.d/qemu-${name}.conf`;
      if (!existsSync(file)) return [];
      const [, , , , magic = '', mask = ''] = readFileSync(file, 'utf8').split(':');
      return [[name, bytes(magic), bytes(mask)]];
    });
    expect(debian).toEqual(expect.arrayContaining(found));
  });
});

describe('the line for the kernel', () => {
  test('names handler, magic, mask, emulator and flags', () => {
    const line = registrationOf(architectureNamed('mipsn32'), {
      name: 'edgebuild-mipsn32-01234567',
      interpreter: '/run/edgebuild/qemu-mipsn32',
      flags: 'PF',
    });
    expect(line).toBe(
      String.raw`:edgebuild-mipsn32-01234567:M::\x7f\x45\x4c\x46\x01\x02\x01` +
        String.raw`\x00`.repeat(9) +
        String.raw`\x00\x02\x00\x08` +
        String.raw`\x00`.repeat(19) +
        String.raw`\x20:\xff\xff\xff\xff\xff\xff\xff\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff` +
        String.raw`\x00`.repeat(19) +
        String.raw`\x20:/run/edgebuild/qemu-mipsn32:PF`,
    );
  });

  const good = { name: 'edgebuild-arm', interpreter: '/run/qemu-arm', flags: 'PF' };
  test.each([
    ['a name with a slash', { ...good, name: 'a/b' }],
    ['a name with a colon', { ...good, name: 'a:b' }],
    ['the name of the parent', { ...good, name: '..' }],
    ['no name', { ...good, name: '' }],
    ['a relative path', { ...good, interpreter: 'qemu-arm' }],
    ['a path with a colon', { ...good, interpreter: '/run/qemu:arm' }],
    ['a path with a line feed', { ...good, interpreter: '/run/qemu\narm' }],
    ['a path too long for the kernel', { ...good, interpreter: `/${'x'.repeat(1800)}` }],
    ['flags that the kernel does not have', { ...good, flags: 'PX' }],
  ])('is refused for %s', (_, handler) => {
    expect(() => registrationOf(architectureNamed('arm'), handler)).toThrow(RangeError);
  });
});

/**
 * In a user namespace and a binfmt_misc of its own (Linux 6.7): registers the lines of stdin, then for each name shows
 * the kernel's entry and runs the probe of that name, here in the directory, as `some-name`.
 */
const ownBinfmt = `
cd "$1" && shift || exit 97
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || { echo 'no binfmt_misc of its own: this needs Linux 6.7'; exit 98; }
while read -r line; do printf %s "$line" >/proc/sys/fs/binfmt_misc/register || { echo "refused: $line"; exit 99; }; done
for name; do
  cat /proc/sys/fs/binfmt_misc/test-"$name"
  (exec -a some-name "./$name")
  echo "status $?"
done
`;

test('the kernel takes all 27 at once, reads them as written, and runs every probe by its own emulator', async () => {
  const directory = newDirectory();
  const lines = rows.map((row) => {
    writeFileSync(join(directory, row.name), probeOf(row.name), { mode: 0o755 });
    return registrationOf(row, { name: `test-${row.name}`, interpreter: emulatorOf(row.name), flags: 'PF' });
  });
  const { all } = await execa('unshare', ['-Urm', 'bash', '-c', ownBinfmt, 'bash', directory, ...names], {
    input: `${lines.join('\n')}\n`,
    all: true,
    reject: false,
  });
  const expected = rows.map((row) => {
    const { magic, mask } = magicOf(row);
    return (
      `enabled\ninterpreter ${emulatorOf(row.name)}\nflags: PF\noffset 0\n` +
      `magic ${magic.toString('hex')}\nmask ${mask.toString('hex')}\n` +
      `${probeOutput(row.name, 'some-name')}status ${probeStatus}`
    );
  });
  expect(all).toBe(expected.join('\n'));
}, 60_000);
