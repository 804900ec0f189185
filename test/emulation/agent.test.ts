import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { removeDirectories } from '../support/directories.ts';
import { until } from '../support/until.ts';
import { probeOf } from '../../agent/probes.ts';
import { problemReasons } from '../../src/api/node-emulation-words.ts';
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
/** Mounts binfmt_misc, and registers nothing. */
const mounted = `${shared}; mount -t binfmt_misc none "$B"`;
/** Some looks of whatever looks every second or more often: what has not happened by then does not happen. */
const someLooks = (): Promise<void> => pause(3_500);
/** Of a file that somebody reads or runs again and again: nobody comes upon half of it. */
const replace = async (file: string, content: string | Buffer, mode = 0o644): Promise<void> => {
  await writeFile(`${file}.new`, content, { mode });
  await rename(`${file}.new`, file);
};

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

describe.each([
  ['repairs, probing itself,', false],
  ['repairs, while a prover proves what it did before,', true],
])('%s', (_how, isProving) => {
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
    if (isProving) await writeFile(join(node.own, 'proven'), '');
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

test('repairs an entry that reads as it should, and holds a file that lay at its path for a moment', async () => {
  node = await startNode(image);
  const agent = node.start(['agent.sh', 'register', 'aarch64']);
  await node.says('aarch64', 'Proven');
  const times = (): number => agent.printed().split('registered').length;
  const registered = times();
  const fault = await node.run(
    `E=$(echo "$B"/edgebuild-aarch64-*); F=$(echo "$FILES"/qemu-aarch64-*); cp -p "$F" "$FILES/good"
    echo -1 >"$E"; cp ${broken} "$FILES/bad"; mv "$FILES/bad" "$F"
    printf '%s' ":\${E##*/}:M::${pattern()}:$F:PF" >"$B/register"; mv "$FILES/good" "$F"`,
  );
  expect(fault.exitCode).toBe(0);
  await until(times, (count) => count > registered, 60_000);
  expect(await node.says('aarch64', 'Proven')).toMatch(/^Proven by edgebuild/);
});

test('takes away what is asked for no more, and nothing else', async () => {
  node = await startNode(image, `${mounted}; ${foreignHandler(working).replace(':theirs:', ':edge:')}`);
  const first = node.start(['agent.sh', 'register', 'aarch64', 'riscv64']);
  await node.says('riscv64', 'Proven');
  await node.says('aarch64', 'Proven');
  first.kill('SIGTERM');
  await first.ended;
  const second = node.start(['agent.sh', 'register', 'aarch64']);
  await until(second.printed, (text) => text.includes('removed'), 60_000);
  await node.says('aarch64', 'Proven');
  expect(await node.entries()).toEqual(['edge']);
  // The entry goes first.
  expect(await until(() => readdir(node.files), ({ length }) => length === 0, 60_000)).toEqual([]); // prettier-ignore
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
    node = await startNode(image, `${mounted}; ${foreignHandler(working)}`);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'Proven')).toBe('Proven by the handler theirs, which is not ours\n');
    expect(await node.entries()).toEqual(['theirs']);
  });

  test.each([
    ['that does not work', broken, {}],
    ['that works, but is not to be adopted', working, { FOREIGN_HANDLERS: 'Refuse' }],
  ])('a foreign handler %s: HandlerForeign; it is left alone', async (_what, interpreter, environment) => {
    node = await startNode(image, `${mounted}; ${foreignHandler(interpreter)}`);
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

  test('no binfmt_misc, and none to be had: ModuleMissing', async () => {
    node = await startNode(image, `${shared}; mount -t tmpfs -o ro none "$FS"`);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'ModuleMissing')).toMatch(/; load the kernel module .+\n$/);
  });

  test('an entry that the kernel does not take: InterpreterDenied', async () => {
    node = await startNode(image);
    node.start(['agent.sh', 'register', 'aarch64'], { FLAGS: 'PFX' });
    expect(await node.says('aarch64', 'InterpreterDenied')).toMatch(/does not take the entry.*; .+\n$/);
  });

  describe('with SELinux', () => {
    const selinux = `${shared}; echo 'nodev selinuxfs' >"$FS/../filesystems"
      mount --bind "$FS/../filesystems" /proc/filesystems`;
    const chcon = async (script: string): Promise<{ readonly PATH: string }> => {
      await writeFile(join(node.folder, 'chcon'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return { PATH: `${node.folder}:${process.env['PATH'] ?? ''}` };
    };

    test('the emulator is labelled before it is registered', async () => {
      node = await startNode(image, selinux);
      const log = join(node.folder, 'log');
      const script = `echo "$@" $(ls "$BINFMT" | grep -c edgebuild) >>${log}`;
      node.start(['agent.sh', 'register', 'aarch64'], await chcon(script));
      await node.says('aarch64', 'Proven');
      expect(await readFile(log, 'utf8')).toMatch(/^-t bin_t \S+\/qemu-aarch64-\w+\.new 0\n$/);
    });

    test('a label that is refused: SELinuxDenied, and nothing is registered', async () => {
      node = await startNode(image, selinux);
      node.start(['agent.sh', 'register', 'aarch64'], await chcon('echo refused >&2; exit 1'));
      expect(await node.says('aarch64', 'SELinuxDenied')).toMatch(/labelled bin_t: refused; .+\n$/);
      expect(await node.entries()).toEqual([]);
    });
  });

  test('no room below its folder: NoSpace', async () => {
    node = await startNode(image, `${shared}; mount -t tmpfs -o size=1m none "$FS/../files"`);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await node.says('aarch64', 'NoSpace')).toContain('free some space');
    expect((await node.run('ls "$FILES"')).stdout).not.toContain('qemu');
  });
});

test('what a prover proves, the agent does not probe itself; when no prover does, it does', async () => {
  node = await startNode(image);
  node.start(['agent.sh', 'register', 'aarch64']);
  await node.says('aarch64', 'Proven');
  const probe = join(image, 'probes/probe-aarch64');
  const runs = join(node.folder, 'runs');
  const probed = (): Promise<number> => readFile(runs).then(({ length }) => length, () => 0); // prettier-ignore
  const rests = async (): Promise<boolean> => {
    const before = await probed();
    await someLooks();
    return (await probed()) === before;
  };
  try {
    const answer = 'edgebuild-probe aarch64 probe-aarch64';
    await replace(probe, `#!/bin/sh\necho >>${runs}; echo ${answer}; exit 86\n`, 0o755);
    expect(await until(probed, Boolean, 60_000)).toBeGreaterThan(0);
    await writeFile(join(node.own, 'proven'), '');
    expect(await until(rests, Boolean, 60_000)).toBe(true);
    expect(await node.saidOf('aarch64')).toMatch(/^Proven/);
    await replace(probe, '#!/bin/sh\necho wrong; exit 86\n', 0o755);
    await rm(join(node.own, 'proven'));
    expect(await node.says('aarch64', 'ProbeFailed')).toContain("said 'wrong'");
  } finally {
    await replace(probe, probeOf('aarch64'), 0o755);
  }
  expect(await node.says('aarch64', 'Proven')).toMatch(/^Proven/);
});

test('an agent believes nothing that an earlier one has said, and lets everybody read what it says', async () => {
  node = await startNode(image, `${shared}; mount -t binfmt_misc -o ro none "$B"`);
  const file = join(node.state, 'aarch64');
  await writeFile(file, 'Proven by an earlier one\n', { mode: 0o600 });
  await writeFile(join(node.own, 'proven'), '');
  node.start(['agent.sh', 'register', 'aarch64']);
  await node.says('aarch64', 'MountReadOnly');
  expect((await stat(file)).mode & 0o777).toBe(0o644);
});

describe('a prover', () => {
  const agentSays = (words: string): Promise<void> => replace(join(node.state, 'aarch64'), `${words}\n`);
  const handlerThatWorks = (): Promise<unknown> => node.run(foreignHandler(working));

  test('waits without an end while the agent has said nothing, and is ready once it proves', async () => {
    node = await startNode(image);
    const prover = node.keepProver();
    await someLooks();
    await agentSays('Waiting for something');
    await someLooks();
    expect(await node.isReady()).toBe(false);
    node.start(['agent.sh', 'register', 'aarch64']);
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
    expect(prover.ends).toEqual([]);
  });

  test('ends once for each new reason of the agent, and is ready when there is none any more', async () => {
    node = await startNode(image, mounted);
    const prover = node.keepProver();
    const ends: string[] = [];
    for (const reason of ['Disabled one; do', 'MountReadOnly two; do', 'Disabled one; do']) {
      await agentSays(reason);
      ends.push(`1 ${reason}`);
      await until(
        () => prover.ends.length,
        (count) => count >= ends.length,
        60_000,
      );
      await someLooks();
      expect(prover.ends).toEqual(ends);
      expect(await node.isReady()).toBe(false);
    }
    await agentSays('Proven by somebody');
    await handlerThatWorks();
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
    // Between the two it may have found that the agent's word is not true.
    expect(prover.ends.slice(ends.length).filter((end) => !end.startsWith('1 ProbeFailed '))).toEqual([]);
  });

  test('says its own reason when the agent’s word is stale, once, and begins to prove without an end', async () => {
    node = await startNode(image, mounted);
    await agentSays('Proven by one that was killed');
    const prover = node.keepProver();
    await until(
      () => prover.ends.length,
      (count) => count > 0,
      60_000,
    );
    await someLooks();
    expect(prover.ends).toEqual([expect.stringMatching(/^1 ProbeFailed .+; .+/)]);
    await handlerThatWorks();
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
    expect(prover.ends).toHaveLength(1);

    // Proven, and then no more.
    await node.run('echo -1 >"$B/theirs"');
    await until(
      () => prover.ends.length,
      (count) => count > 1,
      60_000,
    );
    await someLooks();
    expect(prover.ends).toEqual([prover.ends[0], expect.stringMatching(/^1 ProbeFailed /)]);
    expect(await node.isReady()).toBe(false);
    expect(await readdir(node.own)).not.toContain('proven');
  });

  test('ends with the agent’s reason when what it has proven is so no more', async () => {
    node = await startNode(image);
    node.start(['agent.sh', 'register', 'aarch64']);
    const prover = node.keepProver();
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
    await node.run('echo 0 >"$B/status"');
    const last = (): string => prover.ends.at(-1) ?? '';
    // It may have ended before the agent had looked: then it ends once more, for the agent knows better.
    expect(await until(last, (end) => end.startsWith('1 Disabled'), 60_000)).toMatch(/^1 Disabled somebody/);
    expect(prover.ends.length).toBeLessThanOrEqual(2);
    expect(await node.isReady()).toBe(false);
    await node.run('echo 1 >"$B/status"');
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
  });

  test('of a handler that was flushed, and repaired: ended at most once, and ready again', async () => {
    node = await startNode(image);
    const agent = node.start(['agent.sh', 'register', 'aarch64']);
    const prover = node.keepProver();
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
    await someLooks();
    await node.run('echo -1 >"$B/status"');
    await until(agent.printed, (text) => text.split('registered').length > 2, 60_000);
    expect(await until(node.isReady, Boolean, 60_000)).toBe(true);
    await someLooks();
    expect(await node.isReady()).toBe(true);
    expect(prover.ends.length).toBeLessThanOrEqual(1);
  });

  test('that was stopped while it waited leaves it to the next one to say why', async () => {
    node = await startNode(image, mounted);
    await agentSays('Disabled one; do');
    expect(await node.start(['prove.sh', 'aarch64']).ended).toBe(1);
    const waiting = node.start(['prove.sh', 'aarch64']);
    await someLooks();
    waiting.kill('SIGTERM');
    expect(await waiting.ended).toBe(0);
    expect(await node.start(['prove.sh', 'aarch64']).ended).toBe(1);
    expect(await node.message()).toBe('Disabled one; do');
  });
});

describe('an upgrade', () => {
  /** Runs a foreign program again and again, and writes down when one did not run. */
  const watch = `cd "$FILES/.."; : >run
    while [ -e run ]; do PATH=$IMAGE/probes probe-aarch64; [ $? = 86 ] || echo missed >&2; done >/dev/null 2>misses &`;
  const misses = async (): Promise<string> => {
    await rm(join(node.folder, 'run'));
    return readFile(join(node.folder, 'misses'), 'utf8');
  };
  const files = (): Promise<readonly string[]> => readdir(node.files);
  const other = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from('another build')]);
  /** Registers with the first image, ends that agent, and returns the name of its entry. */
  const before = async (): Promise<string> => {
    const agent = node.start(['agent.sh', 'register', 'aarch64']);
    await node.says('aarch64', 'Proven');
    agent.kill('SIGTERM');
    await agent.ended;
    return (await node.entries()).join();
  };

  test('to another emulator, or other flags: new before old, and every program runs meanwhile', async () => {
    node = await startNode(image);
    const first = await before();
    await node.run(watch);
    const next = node.start(['agent.sh', 'register', 'aarch64'], {
      IMAGE: await imageOf(['aarch64'], other),
    });
    const second = (
      await until(node.entries, (names) => names.length === 1 && names[0] !== first, 60_000)
    ).join();
    expect(second).toMatch(/^edgebuild-aarch64-[0-9a-f]{8}$/);
    const left = ['mounted', second.replace('edgebuild', 'qemu')];
    expect(await until(files, (names) => names.length === left.length, 60_000)).toEqual(left);
    next.kill('SIGTERM');
    await next.ended;

    for (const [flags, name] of [
      ['PFC', `${first}C`],
      ['PF', first],
    ] as const) {
      const flagged = node.start(['agent.sh', 'register', 'aarch64'], { FLAGS: flags });
      expect(await until(node.entries, (names) => names.join() === name, 60_000)).toEqual([name]);
      const shown = flags === 'PFC' ? /^flags: P?O?CF$/m : /^flags: PF$/m;
      expect((await node.run(`cat "$B/${name}"`)).stdout).toMatch(shown);
      const registrations = (): number => flagged.printed().split('registered').length - 1;
      await someLooks();
      expect(registrations()).toBe(1);
      expect(await files()).toEqual(['mounted', first.replace('edgebuild', 'qemu')]);
      flagged.kill('SIGTERM');
      await flagged.ended;
    }
    expect(await misses()).toBe('');
  });

  test('to an emulator that does not work: the old one stays', async () => {
    node = await startNode(image);
    const first = await before();
    const IMAGE = await imageOf(['aarch64'], () => Buffer.from('#!/bin/sh\nkill -SEGV $$\n'));
    node.start(['agent.sh', 'register', 'aarch64'], { IMAGE });
    expect(await node.says('aarch64', 'EmulatorCrashed')).toMatch(/; .+\n$/);
    await someLooks();
    // The new one is registered anew at each look: for a moment it is not there.
    expect(await until(node.entries, (names) => names.length === 2, 60_000)).toHaveLength(2);
    expect(await node.entries()).toContain(first);
    expect(await files()).toContain(first.replace('edgebuild', 'qemu'));
  });

  test('beside a working handler of somebody else: ours stays ours', async () => {
    node = await startNode(image);
    const first = await before();
    await node.run(foreignHandler(working));
    node.start(['agent.sh', 'register', 'aarch64'], { IMAGE: await imageOf(['aarch64'], other) });
    expect(await until(node.entries, (names) => !names.includes(first), 60_000)).toEqual([
      expect.stringMatching(/^edgebuild-aarch64-/),
      'theirs',
    ]);
    expect(await node.says('aarch64', 'Proven by edgebuild')).toMatch(/^Proven by edgebuild/);
  });
});

describe('remove', () => {
  const remove = async (): Promise<string> => {
    const removal = node.start(['agent.sh', 'remove']);
    expect(await removal.ended).toBe(0);
    return removal.printed();
  };
  const registered = async (...names: readonly string[]): Promise<void> => {
    const agent = node.start(['agent.sh', 'register', ...names]);
    await node.says('aarch64', 'Proven');
    if (names.includes('riscv64')) await node.says('riscv64', 'Proven');
    agent.kill('SIGTERM');
    await agent.ended;
  };
  const nothing = 'nothing of ours is here\n';

  test('takes its entries, files, folder and mount away, and nothing of others; and again', async () => {
    node = await startNode(image);
    await registered('aarch64', 'riscv64');
    await node.run(`printf '%s' ':theirs:E::theirs::/bin/true:' >"$B/register"`);
    const theirs = (await node.run('cat "$B/theirs"')).stdout;
    expect(await remove()).toMatch(/^left the mount, for not all of it is ours: .*\/theirs$/m);
    expect(await node.entries()).toEqual(['theirs']);
    expect((await node.run('cat "$B/theirs"')).stdout).toBe(theirs);
    expect(await readdir(node.files)).toEqual(['mounted']);

    await node.run('echo -1 >"$B/theirs"');
    expect(await remove()).toBe(`removed the mount\nremoved ${node.files}\n`);
    expect((await node.run('ls "$B"')).stdout).toBe('');
    expect(await readdir(node.folder)).not.toContain('files');
    expect(await remove()).toBe(nothing);
  });

  test('leaves a mount that was there before it, and a folder with files of others', async () => {
    node = await startNode(image, mounted);
    await registered('aarch64');
    await writeFile(join(node.files, 'theirs'), '');
    expect(await remove()).toMatch(/^removed \S+\/edgebuild-aarch64-\w+\nremoved \S+\/qemu-aarch64-\w+\n$/);
    expect(await node.entries()).toEqual([]);
    expect((await node.run('cat "$B/status"')).stdout).toBe('enabled');
    expect(await readdir(node.files)).toEqual(['theirs']);
    expect(await remove()).toBe(nothing);
  });

  test('where binfmt_misc is not mounted: files and folder go; and where nothing is at all', async () => {
    node = await startNode(image);
    await registered('aarch64');
    await node.run('umount "$B"');
    expect(await remove()).toMatch(/^removed \S+\/qemu-aarch64-\w+\nremoved \S+\/files\n$/);
    expect(await readdir(node.folder)).not.toContain('files');
    expect(await remove()).toBe(nothing);
  });

  test('what runs goes on', async () => {
    node = await startNode(image);
    await registered('aarch64');
    // ppoll(0, 0, 0, 0): never returns.
    const code = ['d2800000', 'd2800001', 'd2800002', 'd2800003', 'd2800928', 'd4000001'];
    const program = probeOf('aarch64');
    program.set(Buffer.concat(code.map((word) => Buffer.from(word, 'hex').reverse())), 0x80);
    await writeFile(join(node.folder, 'waits'), program, { mode: 0o755 });
    const { stdout: pid } = await node.run('"$FILES/../waits" >/dev/null 2>&1 & echo $!');
    const executable = (): Promise<string> =>
      node.run(`readlink /proc/${pid}/exe`).then(({ stdout }) => stdout);
    try {
      expect(await until(executable, (path) => path.includes('qemu-aarch64'), 60_000)).toContain(
        'qemu-aarch64',
      );
      expect(await remove()).toContain('removed the mount');
      expect(await readdir(node.folder)).not.toContain('files');
      expect(await executable()).toMatch(/qemu-aarch64-\w+ \(deleted\)$/);
    } finally {
      await node.run(`kill -9 ${pid}`);
    }
  });
});

test('its reasons are those that NodeEmulation explains', async () => {
  const programs = await Promise.all(
    ['agent.sh', 'probe.sh'].map((program) => readFile(join(image, program), 'utf8')),
  );
  const reasons = new Set(
    [...programs.join('').matchAll(/\b(?:because |reason=)([A-Z]\w+)/g)].map(([, reason]) => reason),
  );
  reasons.delete('Proven');
  const ofTheController = ['NodeNotReady', 'AgentNotRunning', 'NotRemoved'];
  const explained = Object.keys(problemReasons).filter((reason) => !ofTheController.includes(reason));
  expect([...reasons].sort()).toEqual(explained.sort());
});
