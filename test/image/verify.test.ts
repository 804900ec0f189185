import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { platformOf, type PlatformName } from '../../src/api/platforms.ts';
import { judgeBase } from '../../src/image/base.ts';
import type { ImageConfig } from '../../src/image/ocitypes.ts';
import { surveyImage } from '../../src/image/survey.ts';
import { verifyImage, type VerificationReport } from '../../src/image/verify.ts';
import { elfFile, type Member } from '../support/images.ts';
import { configOf, imageFrom } from '../support/surveys.ts';

const arm64 = platformOf('linux/arm64');
const program = (name: string, platform: PlatformName = 'linux/arm64', interpreter?: string): Member => ({
  name,
  body: elfFile(platformOf(platform).elf, interpreter === undefined ? {} : { interpreter }),
  mode: 0o755,
});
const script = (name: string, first: string): Member => ({ name, body: `${first}\necho\n`, mode: 0o755 });
const link = (name: string, target: string): Member => ({ name, type: '2', link: target });
const loader = program('lib/ld.so');

const verify = (config: ImageConfig, ...layers: Member[][]): Promise<VerificationReport> =>
  verifyImage(imageFrom(config, ...layers), arm64);
const starting = (...words: string[]): ImageConfig => configOf({ Cmd: words });

describe('an image of its platform passes', () => {
  test.each<[string, ImageConfig, Member[], Partial<VerificationReport['program']>]>([
    ['a static program', starting('/app'), [program('app')], { kind: 'elf', resolved: '/app' }],
    [
      'a program with its loader',
      starting('/app'),
      [program('app', 'linux/arm64', '/lib/ld.so'), loader],
      { kind: 'elf' },
    ],
    [
      'ENTRYPOINT and CMD',
      configOf({ Entrypoint: ['/app'], Cmd: ['nonsense'] }),
      [program('app')],
      { path: '/app' },
    ],
    ['a name on the default PATH', starting('app'), [program('usr/bin/app')], { resolved: '/usr/bin/app' }],
    [
      'a name on the image’s PATH',
      configOf({ Cmd: ['app'], Env: ['PATH=/x:/opt/bin', 'A=b'] }),
      [program('opt/bin/app')],
      { resolved: '/opt/bin/app' },
    ],
    [
      'a name relative to WORKDIR',
      configOf({ Cmd: ['./app'], WorkingDir: '/srv' }),
      [program('srv/app')],
      { resolved: '/srv/app' },
    ],
    [
      'what PATH finds first is not executable',
      starting('app'),
      [{ ...program('usr/local/bin/app', 'linux/amd64'), mode: 0o644 }, program('bin/app')],
      { resolved: '/bin/app' },
    ],
    [
      'symbolic links',
      starting('/app'),
      [link('app', '/etc/alt/app'), link('etc/alt/app', '../../opt/app'), program('opt/app')],
      { resolved: '/opt/app', via: ['/app -> /etc/alt/app', '/etc/alt/app -> ../../opt/app'] },
    ],
    [
      'a hard link',
      starting('/app'),
      [program('real'), { name: 'app', type: '1', link: 'real' }],
      { resolved: '/app', kind: 'elf' },
    ],
    [
      'a script',
      starting('/run'),
      [script('run', '#!/bin/sh -e'), program('bin/sh')],
      { kind: 'script', via: ['#!/bin/sh -e'], architecture: 'arm64' },
    ],
    [
      'a script of a script',
      starting('/run'),
      [script('run', '#!/mid'), script('mid', '#! /bin/sh'), program('bin/sh')],
      { kind: 'script', via: ['#!/mid', '#!/bin/sh'] },
    ],
    [
      'a script by env',
      starting('/run'),
      [script('run', '#!/usr/bin/env python3'), program('usr/bin/env'), program('usr/bin/python3')],
      { kind: 'script' },
    ],
    [
      'a script by env -S',
      starting('/run'),
      [script('run', '#!/usr/bin/env -S A=1 python3 -u'), program('usr/bin/env'), program('usr/bin/python3')],
      { kind: 'script' },
    ],
    [
      'the shell form',
      starting('/bin/sh', '-c', 'exec app --flag'),
      [program('bin/sh'), program('bin/app')],
      { path: '/bin/sh' },
    ],
    [
      'the shell form of a built-in',
      starting('/bin/sh', '-c', 'cd / && x'),
      [program('bin/sh')],
      { path: '/bin/sh' },
    ],
  ])('with %s', async (_, config, members, expected) => {
    const report = await verify(config, members);
    expect(report.message).toMatch(/^linux\/arm64/);
    expect(report).toMatchObject({
      passed: true,
      reason: 'Verified',
      architecture: 'arm64',
      program: expected,
    });
  });

  test('without any ELF file, and says so', async () => {
    const report = await verify(starting('/nothing'), [{ name: 'data', body: 'x' }]);
    expect(report).toMatchObject({ passed: true, elfFiles: 0, architecture: undefined });
    expect(report.message).toContain('holds no ELF file');
  });

  test('without a program to start, judged by its shell', async () => {
    const report = await verify(configOf(), [program('bin/busybox'), link('bin/sh', 'busybox')]);
    expect(report).toMatchObject({
      passed: true,
      architecture: 'arm64',
      shell: { resolved: '/bin/busybox' },
    });
    expect(report.message).toContain('names no program');
  });

  test('with foreign files, which are counted, the first three by path', async () => {
    const foreign = ['d', 'b', 'c', 'a'].map((name) => program(`opt/${name}`, 'linux/amd64'));
    const report = await verify(starting('/app'), [program('app'), ...foreign]);
    expect(report).toMatchObject({ passed: true, elfFiles: 5, foreign: { count: 4 } });
    expect(report.foreign.examples).toEqual(
      ['a', 'b', 'c'].map((name) => ({ path: `/opt/${name}`, architecture: 'amd64' })),
    );
  });

  test('a file of several names counts once, one that a whiteout hides not at all', async () => {
    const layers = [
      [program('app'), program('gone', 'linux/amd64'), { name: 'again', type: '1', link: 'app' }],
      [{ name: '.wh.gone' }],
    ];
    expect(await verify(starting('/app'), ...layers)).toMatchObject({
      passed: true,
      elfFiles: 1,
      foreign: { count: 0 },
    });
  });

  test.each<[PlatformName, string | undefined, boolean]>([
    ['linux/arm64', undefined, true],
    ['linux/arm64', '', true],
    ['linux/arm64', 'v8', true],
    ['linux/arm64', 'v9', false],
    ['linux/arm/v7', undefined, true],
    ['linux/arm/v7', 'v7', true],
    ['linux/arm/v7', 'v6', false],
    ['linux/arm/v6', undefined, false],
    ['linux/arm/v6', 'v6', true],
    ['linux/amd64', 'v3', true],
  ])('%s with the variant %s: %s', async (name, variant, passed) => {
    const platform = platformOf(name);
    const config = configOf({ Cmd: ['/app'] }, { architecture: platform.architecture, variant });
    expect((await verifyImage(imageFrom(config, [program('app', name)]), platform)).passed).toBe(passed);
  });
});

describe('an image fails, and the message names file, finding and expectation', () => {
  test.each<[string, ImageConfig, Member[], RegExp]>([
    [
      'a foreign program',
      starting('/app'),
      [program('app', 'linux/amd64')],
      /\/app is a program for amd64, not arm64/,
    ],
    [
      'a foreign program behind a link',
      starting('app'),
      [link('bin/app', '../opt/x'), program('opt/x', 'linux/s390x')],
      /\/opt\/x is a program for s390x, not arm64/,
    ],
    [
      'a foreign interpreter of a script',
      starting('/run'),
      [script('run', '#!/bin/sh'), program('bin/sh', 'linux/386')],
      /\/bin\/sh is a program for 386/,
    ],
    [
      'a foreign program by env',
      starting('/run'),
      [script('run', '#!/usr/bin/env x'), program('usr/bin/env'), program('bin/x', 'linux/amd64')],
      /\/bin\/x is a program for amd64/,
    ],
    [
      'a foreign env',
      starting('/run'),
      [script('run', '#!/usr/bin/env x'), program('usr/bin/env', 'linux/amd64'), program('bin/x')],
      /\/usr\/bin\/env is a program for amd64/,
    ],
    [
      'a foreign loader',
      starting('/app'),
      [program('app', 'linux/arm64', '/lib/ld.so'), program('lib/ld.so', 'linux/amd64')],
      /\/lib\/ld.so, the interpreter of \/app, is for amd64, not arm64/,
    ],
    [
      'no loader',
      starting('/app'),
      [program('app', 'linux/arm64', '/lib/ld.so')],
      /needs the interpreter \/lib\/ld.so, which is not in the image/,
    ],
    [
      'a loader that is text',
      starting('/app'),
      [program('app', 'linux/arm64', '/lib/ld.so'), { name: 'lib/ld.so', body: 'x' }],
      /is a file without a program/,
    ],
    [
      'a foreign shell',
      starting('/app'),
      [program('app'), program('bin/sh', 'linux/amd64')],
      /\/bin\/sh is a program for amd64, not arm64/,
    ],
    [
      'a foreign program in the shell form',
      starting('/bin/sh', '-c', '/app x'),
      [program('bin/sh'), program('app', 'linux/amd64')],
      /\/app is a program for amd64/,
    ],
    ['a missing program', starting('/app'), [program('other')], /\/app is not in the image/],
    [
      'a missing program on PATH',
      starting('app'),
      [program('other')],
      /app is not in the image \(PATH \/usr\/local\/sbin/,
    ],
    [
      'a link to nothing',
      starting('/app'),
      [program('other'), link('app', '/x/y')],
      /\/app is not in the image: there is no \/x/,
    ],
    [
      'a loop of links',
      starting('/app'),
      [program('other'), link('app', 'b'), link('b', 'app')],
      /more than 40 links/,
    ],
    ['a directory', starting('/app'), [program('app/x')], /\/app is a directory, not a program/],
    ['a device', starting('/app'), [program('x'), { name: 'app', type: '3' }], /\/app is a device or pipe/],
    [
      'a text without #!',
      starting('/app'),
      [program('x'), { name: 'app', body: 'echo' }],
      /\/app is a file without a program/,
    ],
    [
      'a script of a missing program',
      starting('/run'),
      [program('x'), script('run', '#!/bin/zsh')],
      /\/run begins with #!\/bin\/zsh, but \/bin\/zsh is not in the image/,
    ],
    [
      'a script that runs itself',
      starting('/run'),
      [program('x'), script('run', '#!/run')],
      /more than 4 scripts/,
    ],
    ['a #! line of nothing', starting('/run'), [program('x'), script('run', '#!  ')], /names nothing/],
    [
      'damaged program headers',
      starting('/app'),
      [{ name: 'app', body: elfFile(arm64.elf, { interpreter: '/lib/ld.so' }).subarray(0, 90), mode: 0o755 }],
      /could not be read/,
    ],
    [
      'a program of the other byte order',
      starting('/app'),
      [{ name: 'app', body: elfFile({ ...arm64.elf, byteOrder: 'big' }) }],
      /arm64be, not arm64/,
    ],
  ])('%s', async (_, config, members, message) => {
    const report = await verify(config, members);
    expect(report).toMatchObject({ passed: false, reason: 'VerificationFailed' });
    expect(report.message).toMatch(message);
  });

  test('a configuration of another platform', async () => {
    const report = await verify(configOf({ Cmd: ['/app'] }, { architecture: 'amd64', os: 'windows' }), [
      program('app'),
    ]);
    expect(report.message).toBe(
      'not linux/arm64: the configuration says os windows, not linux; the configuration says architecture amd64, not arm64',
    );
  });

  test('this machine’s busybox, where arm64 was asked', async () => {
    const busybox = { name: 'bin/busybox', body: readFileSync('/bin/busybox'), mode: 0o755 };
    const report = await verify(starting('sh'), [busybox, link('bin/sh', 'busybox')]);
    expect(report).toMatchObject({
      passed: false,
      architecture: 'amd64',
      program: { resolved: '/bin/busybox' },
    });
  });
});

describe('what a base image is, its programs decide', () => {
  const amd64Claim = configOf({}, { architecture: 'amd64' });
  const emulator = program('usr/bin/qemu-aarch64-static', 'linux/amd64');
  test.each<[string, ImageConfig, Member[], string, string]>([
    ['a Debian of the platform', configOf(), [program('bin/sh')], 'matches', 'arm64'],
    [
      'multiarch/debian-debootstrap',
      amd64Claim,
      [emulator, program('bin/dash'), link('bin/sh', 'dash')],
      'mislabelled',
      'arm64',
    ],
    ['an image of this machine', amd64Claim, [program('bin/sh', 'linux/amd64')], 'wrong', 'amd64'],
    [
      'an image that claims what it is not',
      configOf(),
      [program('bin/sh', 'linux/amd64'), program('x')],
      'wrong',
      'amd64',
    ],
    [
      'no shell: the most of its programs',
      configOf(),
      [program('a'), program('b'), program('c', 'linux/amd64')],
      'matches',
      'arm64',
    ],
    [
      'no shell, most are foreign',
      configOf(),
      [program('a'), program('b', 'linux/amd64'), program('c', 'linux/amd64')],
      'wrong',
      'amd64',
    ],
    ['nothing but data', configOf(), [{ name: 'x' }], 'matches', 'arm64'],
    ['nothing but data, of another claim', amd64Claim, [{ name: 'x' }], 'mislabelled', 'amd64'],
  ])('%s', async (_, config, members, verdict, found) => {
    const judged = judgeBase(await surveyImage(imageFrom(config, members)), config, arm64);
    expect(judged).toMatchObject({ verdict, found });
    expect(judged.message).not.toBe('');
  });
});
