import { describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { platformOf, type PlatformName } from '../../../src/api/platforms.ts';
import type { SandboxCommand } from '../../../src/engines/local/sandbox.ts';
import { openWorkspace } from '../../../src/engines/local/workspace.ts';
import { type BusyboxPlatform, busyboxOf } from '../../support/bases.ts';
import { newWorkshop } from '../../support/workshop.ts';

jest.setTimeout(60_000);

const shop = newWorkshop();
mkdirSync(shop.cache, { recursive: true });
const workspace = await openWorkspace(shop.cache);

const runs = async (
  command: SandboxCommand['command'],
  { emulated = [], ...more }: Partial<SandboxCommand> & { emulated?: readonly PlatformName[] } = {},
): Promise<{ readonly status: number; readonly lines: readonly string[] }> => {
  const lines: string[] = [];
  const status = await workspace.run(
    { command, signal: new AbortController().signal, onLine: (line) => lines.push(line), ...more },
    emulated.map(platformOf),
  );
  return { status, lines };
};
const shell = (script: string, more: Parameters<typeof runs>[1] = {}) => runs(['sh', '-c', script], more);

/** The handlers of this machine's own binfmt_misc, wherever it is mounted or not. */
const handlersOfTheMachine = async (): Promise<string> => {
  const list =
    'cd /proc/sys/fs/binfmt_misc && for f in *; do echo "$f"; [ "$f" = register ] || cat "$f"; done';
  const anew = 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc';
  const command =
    process.getuid?.() === 0 ? ['unshare', '--mount', 'sh', '-c', `${anew}; ${list}`] : ['sh', '-c', list];
  const [program = '', ...rest] = command;
  return (await execa(program, rest)).stdout;
};

describe('a command in a sandbox', () => {
  test.each([
    ['its own', 'exit 7', 7],
    ['good', 'exit 0', 0],
    ['of a signal, as shells count', 'kill -TERM $$', 143],
    ['of a program that is not there', '/none', 127],
  ])('ends with a status: %s', async (_, script, status) => {
    expect((await shell(script)).status).toBe(status);
  });

  test('has its output told line by line, both streams', async () => {
    expect((await shell('echo out; echo err >&2')).lines.toSorted()).toEqual(['err', 'out']);
  });

  test('can open its output again by name, as programs of images do', async () => {
    const { status, lines } = await shell(
      'echo a >/dev/stdout && echo b >/dev/stderr && echo c >/proc/self/fd/1',
    );
    expect([status, lines]).toEqual([0, ['a', 'b', 'c']]);
  });

  test('reads the standard input that it is given, and none otherwise', async () => {
    expect((await runs(['cat'], { stdin: Readable.from(['given\n']) })).lines).toEqual(['given']);
    expect((await runs(['cat'])).lines).toEqual([]);
  });

  test('may end before it has read all of its input', async () => {
    const much = Readable.from(Array.from({ length: 64 }, () => 'x'.repeat(65_536)));
    expect((await runs(['true'], { stdin: much })).status).toBe(0);
  });

  test('has an environment of its own: five names and what is said', async () => {
    const { lines } = await runs(['env'], { environment: { SAID: 'so', LANG: 'C' } });
    const names = lines
      .map((line) => line.replace(/=.*/, ''))
      .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));
    expect(names.toSorted()).toEqual(['HOME', 'LANG', 'PATH', 'SAID', 'XDG_RUNTIME_DIR']);
    expect(lines).toContain('LANG=C');
  });

  test('has no open file but its three streams', async () => {
    const { lines } = await shell('ls /proc/self/fd');
    // The fourth is the directory that ls reads.
    expect(lines).toEqual(['0', '1', '2', '3']);
  });

  test('is root of a range of ids that are nobody’s on this machine', async () => {
    const { lines } = await shell('id -u; cat /proc/self/uid_map /proc/self/gid_map');
    const [user = '', ...maps] = lines.map((line) => line.trim().replaceAll(/ +/g, ' '));
    expect(user).toBe('0');
    expect(maps).toHaveLength(2);
    for (const map of maps) {
      const [inside, outside, count] = map.split(' ').map(Number);
      expect([inside, count]).toEqual([0, 65_536]);
      expect(outside).toBeGreaterThanOrEqual(65_536);
    }
    const { stdout } = await execa('getent', ['passwd', maps[0]?.split(' ')[1] ?? ''], { reject: false });
    expect(stdout).toBe('');
  });

  test('is alone: it sees no process but its own', async () => {
    const { lines } = await shell('ls /proc | grep -c "^[0-9]*$"; true');
    expect(Number(lines[0])).toBeLessThan(8);
  });

  test('cannot write a file of the machine, nor anything beside its own directory', async () => {
    const { status, lines } = await shell(
      'touch /etc/x /usr/x /var/lib/x "$HOME/mine" && echo never; touch /tmp/edgebuild/x',
    );
    expect(status).not.toBe(0);
    expect(lines.filter((line) => /denied|Permission/.test(line))).toHaveLength(4);
  });
});

describe('foreign programs in a sandbox', () => {
  const platforms: readonly (readonly [BusyboxPlatform, string])[] = [
    ['linux/arm64', 'aarch64'],
    ['linux/arm/v7', 'armv7l'],
    ['linux/ppc64le', 'ppc64le'],
    ['linux/s390x', 's390x'],
  ];
  const put = (name: BusyboxPlatform): string => {
    const file = join(shop.cache, `busybox-${name.replaceAll('/', '-')}`);
    shop.write(file.slice(shop.directory.length + 1), busyboxOf(name), 0o755);
    chmodSync(file, 0o755);
    return workspace.inside(file);
  };

  test.each(platforms)('of %s say that their machine is %s', async (name, machine) => {
    const { status, lines } = await runs([put(name), 'uname', '-m'], { emulated: [name] });
    expect([status, lines]).toEqual([0, [machine]]);
  });

  test('of several platforms run side by side', async () => {
    const emulated = platforms.map(([name]) => name);
    const { lines } = await shell(emulated.map((name) => `${put(name)} uname -m`).join('; '), { emulated });
    expect(lines).toEqual(platforms.map(([, machine]) => machine));
  });

  test('do not run where they were not asked for', async () => {
    const { status } = await runs([put('linux/s390x'), 'true'], { emulated: ['linux/arm64'] });
    expect([126, 127]).toContain(status);
  });

  test('keep the name that they are called by, without which busybox images break', async () => {
    const called = `exec -a uname ${put('linux/arm64')} -m`;
    expect((await runs(['bash', '-c', called], { emulated: ['linux/arm64'] })).lines).toEqual(['aarch64']);
  });

  test('leave the handlers of the machine as they were, byte for byte, while they run and after', async () => {
    const before = await handlersOfTheMachine();
    let during = '';
    const held = put('linux/arm64');
    const looked = { done: (): void => undefined };
    const over = new Promise<void>((resolve) => {
      looked.done = resolve;
    });
    const stdin = Readable.from(
      (async function* () {
        await over;
        yield 'go on\n';
      })(),
    );
    const running = workspace.run(
      {
        command: ['sh', '-c', `ls /proc/sys/fs/binfmt_misc; ${held} cat`],
        ...{ stdin, signal: new AbortController().signal },
        onLine: (line) => {
          if (line === 'edgebuild-aarch64')
            void handlersOfTheMachine().then((text) => {
              during = text;
              looked.done();
            });
        },
      },
      [platformOf('linux/arm64')],
    );
    expect(await running).toBe(0);
    expect(during).toBe(before);
    expect(await handlersOfTheMachine()).toBe(before);
    expect(before).toContain('status');
  });
});
