import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import fc from 'fast-check';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformNames, platformOf, type PlatformName } from '../../../src/api/platforms.ts';
import { proofFailure, proofScript } from '../../../src/engines/openshift/proof.ts';
import { specOf } from '../../edgebuild/facts.ts';
import { newDirectory, removeDirectories } from '../../support/directories.ts';

// Shells are started, many of them.
jest.setTimeout(120_000);

afterAll(removeDirectories);

/** A directory that is all of PATH: a shell called sh, a `uname` of our choice, and `show`, which writes down what it is given. */
const imageWith = (shell: string) => {
  const root = newDirectory();
  const bin = join(root, 'bin');
  mkdirSync(bin);
  const put = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/dash\n${text}\n`, { mode: 0o755 });
  };
  symlinkSync(shell, join(bin, 'sh'));
  const uname = `[ "$*" = -m ] && echo "$MACHINE"`;
  put('uname', uname);
  // Some builds of busybox ask nobody for a program that is among their own: there it is a function.
  writeFileSync(join(root, 'rc'), shell.endsWith('busybox') ? `uname() { ${uname}; }\n` : '');
  put('show', `for one; do printf '%s\\0' "$one"; done >'${join(root, 'shown')}'`);
  put('fails', 'echo a last word; exit 7');
  const run = async (script: string, machine: string) => {
    const env = { PATH: bin, HOME: root, ENV: join(root, 'rc'), MACHINE: machine };
    const options = { env, extendEnv: false, reject: false, all: true, stdin: 'ignore', cwd: root } as const;
    // As it stands in the throw-away stage: RUN /bin/sh -ic '…', which is run by /bin/sh -c.
    return execa(join(bin, 'sh'), ['-c', `${join(bin, 'sh')} -ic '${script}'`], options);
  };
  return { run, shown: () => readFileSync(join(root, 'shown'), 'utf8').split('\0').slice(0, -1) };
};

const scriptOf = (verify: object, platform: PlatformName = 'linux/arm64', isFromScratch = false): string =>
  proofScript(specOf({ verify }), platformOf(platform), isFromScratch) ?? '';

const nasty = [
  ...['', ' ', 'two words', "'", '"', "it's", '\\', '\\\\', '\\n', '\n', 'a\nb\n', '\n\n', '\t', '`id`'],
  ...['$(id)', '$HOME', '${q}', '${n}', '$1', '"$@"', '*', '~', '?', '[a]', '!', '!!', '!ls', '#', ';', '&'],
  ...['|', '<<EOF', '>x', '%s', '-n', '-ic', '\\047', "'\\''", "';exit 0;'", 'é😀', '\u001b[31m', '\u007f'],
  ...[
    '{a,b}',
    '^a^b',
    'x'.repeat(150),
    '\r',
    'a\r\nb',
    "'".repeat(50),
    '\\"',
    '$',
    'a$',
    '\\$',
    'q=1',
    '{',
    '}',
  ],
];

describe.each([
  ['dash', '/bin/dash'],
  ['bash', '/bin/bash'],
  ['busybox', '/bin/busybox'],
])('the proof, run by %s as OpenShift’s builder runs it', (_, shell) => {
  const image = imageWith(shell);

  test.each(platformNames)('says nothing against an image of %s', async (platform) => {
    for (const machine of platformOf(platform).machines) {
      const { exitCode, all } = await image.run(scriptOf({}, platform), machine);
      expect({ machine, exitCode, failure: proofFailure(all.split('\n')) }).toEqual({
        ...{ machine, exitCode: 0, failure: undefined },
      });
    }
  });

  test.each<[PlatformName, string, boolean]>([
    ['linux/arm64', 'x86_64', false],
    ['linux/arm64', 'armv7l', false],
    ['linux/arm64', '', false],
    ['linux/arm/v7', 'aarch64', false],
    ['linux/arm/v7', 'armv6l', false],
    ['linux/amd64', 'aarch64', false],
    ['linux/386', 'x86_64', true],
    ['linux/386', 'aarch64', false],
    ['linux/ppc64le', 'ppc64', false],
    ['linux/riscv64', 'x86_64', false],
  ])('of %s where uname says "%s": %s', async (platform, machine, isGood) => {
    const { exitCode, all } = await image.run(scriptOf({ command: ['show', 'run'] }, platform), machine);
    expect([exitCode, proofFailure(all.split('\n'))]).toEqual(isGood ? [0, undefined] : [1, 'ProofFailed']);
    if (!isGood) expect(all).toContain(`${machine}, not ${platformOf(platform).machines[0]}`);
  });

  test('gives the command each of its arguments as it is', async () => {
    const { exitCode } = await image.run(scriptOf({ command: ['show', ...nasty] }), 'aarch64');
    expect(exitCode).toBe(0);
    expect(image.shown()).toEqual(nasty);
  });

  test('gives the command any arguments as they are', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((one) => !one.includes('\0'));
    const hostile = fc.array(fc.constantFrom(...nasty), { maxLength: 6 }).map((parts) => parts.join(''));
    const commands = fc.array(fc.oneof(text, hostile), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(commands, async (command) => {
        const { exitCode } = await image.run(scriptOf({ command: ['show', ...command] }), 'aarch64');
        expect([exitCode, image.shown()]).toEqual([0, command]);
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ['that fails', ['fails', 'x']],
    ['that there is not', ['no-such-program']],
  ])('tells of a command %s', async (__, command) => {
    const { exitCode, all } = await image.run(scriptOf({ command }), 'aarch64');
    expect([exitCode, proofFailure(all.split('\n'))]).toEqual([1, 'SmokeCommandFailed']);
  });
});

describe('the proof', () => {
  test.each<[string, object, boolean, RegExp | undefined]>([
    ['asks which machine it is', {}, false, /^machine=\$\(uname -m\); case .*esac$/],
    ['asks nothing of an image from nothing', {}, true, undefined],
    ['asks nothing if nobody wants to know', { architecture: 'Skip' }, false, undefined],
    [
      'runs a command all the same',
      { architecture: 'Skip', command: ['a'] },
      false,
      /^q=.*set -- "a"; "\$@"/,
    ],
    ['runs a command of an image from nothing', { command: ['a'] }, true, /^q=/],
  ])('%s', (_, verify, isFromScratch, expected) => {
    const script = proofScript(specOf({ verify }), platformOf('linux/arm64'), isFromScratch);
    if (expected === undefined) expect(script).toBeUndefined();
    else expect(script).toMatch(expected);
  });

  test('can stand in single quotes, in one line', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 50 }).map((one) => one.replaceAll('\0', ''));
    const commands = fc.array(fc.oneof(texts, fc.constantFrom(...nasty)), { maxLength: 60 });
    fc.assert(
      fc.property(commands, (command) => {
        expect(scriptOf({ command: ['show', ...command] })).not.toMatch(/['\n]/);
      }),
    );
  });
});

/** What OpenShift keeps of a log: the last 5 lines, each of at most 120 characters, its middle left out. */
const cut = (line: string): string =>
  line.length <= 120 ? line : `${line.slice(0, 58)}...${line.slice(-59)}`;

describe('what failed is told from what OpenShift keeps of the log', () => {
  const ends = (script: string): string =>
    cut(`error: build error: building at STEP "RUN /bin/sh -ic '${script}'": exit status 1`);
  const subprocess = 'subprocess exited with status 1';

  test.each<[string, readonly string[], ReturnType<typeof proofFailure>]>([
    ['uname', ["/bin/sh: 0: can't access tty; job control turned off", 'edgebuild: uname -m in the image says x86_64, not aarch64', subprocess, subprocess, ends(scriptOf({}))], 'ProofFailed'],
    ['the command', ['edgebuild: verify.command failed with status 7', subprocess, subprocess, ends(scriptOf({ command: ['a'] }))], 'SmokeCommandFailed'],
    ['no shell in the image', ['process failed to start with error: fork/exec /bin/sh: no such file or directory', subprocess, ends(scriptOf({}))], 'ProofFailed'],
    ['no shell for the command', [subprocess, ends(scriptOf({ architecture: 'Skip', command: ['a'] }))], 'ProofFailed'],
    ['a step of the Dockerfile', ['make: *** [all] Error 2', subprocess, 'error: build error: building at STEP "RUN make": exit status 2'], undefined],
    ['a step with a shell of its own', ['error: build error: building at STEP "RUN /bin/sh -ic \'make all\'": exit status 1'], undefined],
    ['a step that prints our words', ['I: edgebuild: uname -m in the image says x', 'error: build error: building at STEP "RUN x": exit status 1'], undefined],
  ])('%s', (_, lines, expected) => {
    expect(proofFailure(lines)).toBe(expected);
  }); // prettier-ignore
});
