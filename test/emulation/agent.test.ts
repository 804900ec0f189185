import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { removeDirectories } from '../support/directories.ts';
import { until } from '../support/until.ts';
import { architectureNamed, magicOf } from '../../src/emulation/architectures.ts';
import { escaped } from '../../src/engines/local/binfmt.ts';
import { imageOf, type Node, shared, startNode } from './agent-site.ts';

// The agent's program on the real kernel's binfmt_misc, in namespaces of its own.
jest.setTimeout(120_000);

let image: string;
let node: Node;

beforeAll(async () => {
  image = await imageOf(['aarch64', 'riscv64']);
});
afterEach(() => node.end());
afterAll(removeDirectories);

const pattern = (): string => {
  const { magic, mask } = magicOf(architectureNamed('aarch64'));
  return `${escaped(magic)}:${escaped(mask)}`;
};
const foreignHandler = (interpreter: string): string =>
  `printf '%s' ':theirs:M::${pattern()}:${interpreter}:PF' >"$B/register"`;
const working = '/usr/bin/qemu-aarch64-static';
const broken = '/bin/false';

test('registers what is asked for, with P and F, proves it, and leaves it in place when it ends', async () => {
  node = await startNode(image);
  const agent = node.start(['agent.sh', 'register', 'aarch64', 'riscv64']);
  expect(await node.says('aarch64', 'Proven')).toMatch(/^Proven by edgebuild-aarch64-[0-9a-f]{8}\n$/);
  await node.says('riscv64', 'Proven');
  const entries = await node.entries();
  expect(entries).toEqual([
    expect.stringMatching(/^edgebuild-aarch64-[0-9a-f]{8}$/),
    expect.stringMatching(/^edgebuild-riscv64-[0-9a-f]{8}$/),
  ]);
  expect((await node.run('cat "$B"/edgebuild-aarch64-*')).stdout).toMatch(/^enabled\n.*\nflags: PF\n/);
  agent.kill('SIGTERM');
  expect(await agent.ended).toBe(0);
  expect(await node.entries()).toEqual(entries);
});

describe('repairs', () => {
  test.each([
    ['every handler flushed', 'echo -1 >"$B/status"'],
    ['its entry removed', 'echo -1 >"$(echo "$B"/edgebuild-aarch64-*)"'],
    ['its entry disabled', 'echo 0 >"$(echo "$B"/edgebuild-aarch64-*)"'],
    [
      'its entry replaced by one of its name with another interpreter',
      `E=$(echo "$B"/edgebuild-aarch64-*); echo -1 >"$E"; printf '%s' ":\${E##*/}:M::$PATTERN:${broken}:PF" >"$B/register"`,
    ],
    ['its emulator deleted and every handler flushed', 'rm "$FILES"/qemu-aarch64-*; echo -1 >"$B/status"'],
    [
      'its emulator made another program and every handler flushed',
      `F=$(echo "$FILES"/qemu-aarch64-*); cp ${broken} "$F.x"; mv "$F.x" "$F"; echo -1 >"$B/status"`,
    ],
  ])('%s', async (_what, fault) => {
    node = await startNode(image);
    const agent = node.start(['agent.sh', 'register', 'aarch64']);
    await node.says('aarch64', 'Proven');
    const before = (await node.run('cat "$B"/edgebuild-aarch64-*; sha256sum "$FILES"/qemu-*')).stdout;
    const times = (): number => agent.printed().split('registered').length;
    const registered = times();
    expect((await node.run(`PATTERN='${pattern()}'; ${fault}`)).exitCode).toBe(0);
    await until(times, (count) => count > registered, 60_000);
    const look = async (): Promise<string> =>
      (await node.run('cat "$B"/edgebuild-aarch64-*; sha256sum "$FILES"/qemu-*')).stdout;
    expect(await until(look, (now) => now === before, 60_000)).toBe(before);
    expect(await node.saidOf('aarch64')).toMatch(/^Proven by edgebuild/);
  });
});

describe('says why not, and what to do', () => {
  test('status 0: Disabled, though the entry reads enabled; and heals', async () => {
    node = await startNode(image);
    node.start(['agent.sh', 'register', 'aarch64']);
    await node.says('aarch64', 'Proven');
    await node.run('echo 0 >"$B/status"');
    expect(await node.says('aarch64', 'Disabled')).toContain('write 1 to /proc/sys/fs/binfmt_misc/status');
    expect((await node.run('head -1 "$B"/edgebuild-aarch64-*')).stdout).toBe('enabled');
    await node.run('echo 1 >"$B/status"');
    expect(await node.says('aarch64', 'Proven')).toMatch(/^Proven/);
  });

  test('a foreign handler that works is adopted; nothing is registered beside it', async () => {
    node = await startNode(image, `${shared}; mount -t binfmt_misc none "$B"; ${foreignHandler(working)}`);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'Proven')).toBe('Proven by the handler theirs, which is not ours\n');
    expect(await node.entries()).toEqual(['theirs']);
  });

  test.each([
    ['that does not work', broken, {}],
    ['that works, but is not to be adopted', working, { FOREIGN_HANDLERS: 'Refuse' }],
  ])('a foreign handler %s: HandlerForeign; it is left alone', async (_what, interpreter, environment) => {
    node = await startNode(
      image,
      `${shared}; mount -t binfmt_misc none "$B"; ${foreignHandler(interpreter)}`,
    );
    const before = (await node.run('cat "$B/theirs"')).stdout;
    node.start(['agent.sh', 'register', 'aarch64'], environment);
    expect(await node.says('aarch64', 'HandlerForeign')).toContain('theirs');
    expect(await node.entries()).toEqual(['theirs']);
    expect((await node.run('cat "$B/theirs"')).stdout).toBe(before);
    await node.run('echo -1 >"$B/theirs"');
    expect(await node.says('aarch64', 'Proven')).toMatch(/^Proven by edgebuild/);
  });

  test('a newer handler of somebody else that does not work: HandlerShadowed; it is left alone', async () => {
    node = await startNode(image);
    node.start(['agent.sh', 'register', 'aarch64']);
    await node.says('aarch64', 'Proven');
    await node.run(foreignHandler(broken));
    expect(await node.says('aarch64', 'HandlerShadowed')).toContain('theirs');
    expect(await node.entries()).toContain('theirs');
  });

  test('a mount that would go with the agent: MountNotHeld', async () => {
    node = await startNode(image, 'mount --make-rprivate /');
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'MountNotHeld')).toContain('make its /proc shared');
    expect(await node.entries()).toEqual([]);
  });

  test('a read-only mount: MountReadOnly', async () => {
    node = await startNode(image, `${shared}; mount -t binfmt_misc -o ro none "$B"`);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'MountReadOnly')).toContain('remount it');
  });

  test('the node’s own architecture: NativeArchitecture, and nothing is registered', async () => {
    node = await startNode(image);
    const { stdout } = await node.run('uname -m');
    const table = join(image, 'architectures');
    const line = `native ${stdout} \\x7f \\xff 0\n`;
    const before = await readFile(table, 'utf8');
    await writeFile(table, before + line);
    const agent = node.start(['agent.sh', 'register', 'native']);
    await until(agent.printed, (text) => text !== '', 60_000);
    expect(agent.printed()).toContain('NativeArchitecture this node runs native itself');
    await writeFile(table, before);
    expect((await node.run('ls "$B"')).stdout).toBe('');
  });

  test('no room below its folder: NoSpace', async () => {
    node = await startNode(image, `${shared}; mount -t tmpfs -o size=1m none "$FS/../files"`);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'NoSpace')).toContain('free some space');
    expect((await node.run('ls "$FILES"')).stdout).not.toContain('qemu');
  });
});

test('a prover is ready while foreign programs run, and says why they do not', async () => {
  node = await startNode(image);
  const isReady = async (): Promise<boolean> => (await node.start(['prove.sh', 'ready']).ended) === 0;
  const message = (): Promise<string> => readFile(join(node.folder, 'termination-log'), 'utf8');

  // Before the agent: it says so once, and from then on waits.
  expect(await node.start(['prove.sh', 'aarch64']).ended).toBe(1);
  expect(await message()).toBe('Waiting the agent has not looked yet');
  const waiting = node.start(['prove.sh', 'aarch64']);
  expect(await isReady()).toBe(false);

  const agent = node.start(['agent.sh', 'register', 'aarch64']);
  await node.says('aarch64', 'Proven');
  expect(await until(isReady, Boolean, 60_000)).toBe(true);

  // What was proven is so no more: it ends, and the next one begins anew.
  await node.run('echo 0 >"$B/status"');
  await node.says('aarch64', 'Disabled');
  expect(await waiting.ended).toBe(1);
  expect(await isReady()).toBe(false);
  const ended = [await message()];
  const next = node.start(['prove.sh', 'aarch64']);
  // It may have ended before the agent had looked: then the next one ends once more, with the agent's reason.
  if (!(ended[0] ?? '').startsWith('Disabled')) expect(await next.ended).toBe(1);
  expect(await message()).toMatch(/^Disabled somebody has switched binfmt_misc off/);
  await node.run('echo 1 >"$B/status"');
  await node.says('aarch64', 'Proven');
  node.start(['prove.sh', 'aarch64']);
  expect(await until(isReady, Boolean, 60_000)).toBe(true);
  agent.kill('SIGTERM');
});

test('remove takes its entries, files and mount away, and nothing of others', async () => {
  node = await startNode(image);
  const agent = node.start(['agent.sh', 'register', 'aarch64', 'riscv64']);
  await node.says('riscv64', 'Proven');
  await node.run(`printf '%s' ':theirs:E::theirs::/bin/true:' >"$B/register"`);
  agent.kill('SIGTERM');
  await agent.ended;
  const removal = node.start(['agent.sh', 'remove']);
  expect(await removal.ended).toBe(0);
  expect(await node.entries()).toEqual(['theirs']);
  expect(removal.printed()).toContain('left the mount, for theirs is not ours');
  expect(await readdir(node.files)).toEqual(['mounted']);

  await node.run('echo -1 >"$B/theirs"');
  expect(await node.start(['agent.sh', 'remove']).ended).toBe(0);
  expect((await node.run('ls "$B"')).stdout).toBe('');
  expect(await readdir(node.files)).toEqual([]);
});
