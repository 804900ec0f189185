import { describe, expect, test } from '@jest/globals';
import { platformOf, platforms, type PlatformName } from '../../../src/api/platforms.ts';
import { magicOf, registration } from '../../../src/engines/local/binfmt.ts';
import { type BusyboxPlatform, busyboxOf } from '../../support/bases.ts';

/**
 * Magic and mask of Debian 12's qemu-user-binfmt, /usr/lib/binfmt.d/qemu-*.conf, as data. aarch64 is the one that
 * design/binfmt.md saw registered.
 */
const debian: readonly (readonly [PlatformName, magic: string, mask: string])[] = [
  ['linux/arm64', '7f454c460201010000000000000000000200b700', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['linux/arm/v7', '7f454c4601010100000000000000000002002800', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['linux/arm/v6', '7f454c4601010100000000000000000002002800', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['linux/ppc64le', '7f454c4602010100000000000000000002001500', 'fffffffffffffffcfffffffffffffffffeffff00'],
  ['linux/s390x', '7f454c4602020100000000000000000000020016', 'fffffffffffffffcfffffffffffffffffffeffff'],
  ['linux/riscv64', '7f454c460201010000000000000000000200f300', 'ffffffffffffff00fffffffffffffffffeffffff'],
  ['linux/mips64le', '7f454c4602010100000000000000000002000800', 'ffffffffffffff00fefffffffffffffffeffffff'],
];

/**
 * Where ours is another on purpose: it leaves the whole OS ABI (byte 7) open for every machine, and takes the ABI
 * version (8) and the machine (18, 19) as they are.
 */
const ownMask = (mask: string): string => {
  const bytes = Buffer.from(mask, 'hex');
  bytes[7] = 0;
  for (const at of [8, 19]) bytes[at] = 0xff;
  return bytes.toString('hex');
};

const matches = (file: Buffer, name: PlatformName): boolean => {
  const { magic, mask } = magicOf(platformOf(name).elf);
  return magic.every((byte, at) => (byte & (mask[at] ?? 0)) === ((file[at] ?? 0) & (mask[at] ?? 0)));
};

describe('what makes the kernel start an emulator', () => {
  test.each(debian)('%s has the magic and mask that Debian registers', (name, magic, mask) => {
    const ours = magicOf(platformOf(name).elf);
    expect(ours.magic.toString('hex')).toBe(magic);
    expect(ours.mask.toString('hex')).toBe(ownMask(mask));
  });

  const real: readonly BusyboxPlatform[] = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/ppc64le', 'linux/s390x']; // prettier-ignore
  test.each(real)('a real program of %s is its platform’s, and no other’s', (name) => {
    const program = busyboxOf(name);
    const found = platforms.filter((platform) => matches(program, platform.name)).map(({ qemu }) => qemu);
    expect([...new Set(found)]).toEqual([platformOf(name).qemu]);
  });

  test('both kinds of executables match, libraries’ type included, and core dumps and objects do not', () => {
    const program = Buffer.from(busyboxOf('linux/arm64').subarray(0, 20));
    const ofType = (type: number): Buffer => {
      program.writeUInt16LE(type, 16);
      return program;
    };
    const found = [1, 2, 3, 4].map((type) => matches(ofType(type), 'linux/arm64'));
    expect(found).toEqual([false, true, true, false]);
  });
});

describe('the line for the kernel', () => {
  test('names platform, magic, mask, emulator and flags', () => {
    expect(registration(platformOf('linux/arm64'), '/usr/bin/qemu-aarch64-static')).toBe(
      String.raw`:edgebuild-aarch64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00` +
        String.raw`:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff` +
        ':/usr/bin/qemu-aarch64-static:PFC',
    );
  });

  test.each(platforms.map(({ name }) => name))('fits into what the kernel reads at once: %s', (name) => {
    // fs/binfmt_misc.c: MAX_REGISTER_LENGTH.
    expect(registration(platformOf(name), `/${'x'.repeat(127)}`).length).toBeLessThan(1920);
  });
});
