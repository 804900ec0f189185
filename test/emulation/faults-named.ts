/** Faults that last until somebody else acts: each is named, wherever a person looks. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import type { ProblemReason } from '../../src/api/node-emulation-words.ts';
import { nodeName } from '../cluster/node.ts';
import {
  agentLog,
  binfmt,
  broken,
  freshAgent,
  handle,
  inodeOf,
  latest,
  machine,
  notesOf,
  only,
  others,
  ours,
  proven,
  readyOf,
  repairsOf,
  replaceAgent,
  type Sight,
  tell,
  unmount,
  working,
  write,
} from './faults-site.ts';
import {
  emulationLabels,
  entries,
  eventually,
  patchEmulation,
  reached,
  registerForeign,
  unregisterForeign,
} from './lifecycle-site.ts';

interface Fault {
  readonly reason: ProblemReason;
  /** Of its message. */
  readonly words: string;
  readonly inject: () => unknown;
  readonly cure: () => unknown;
}

const reasonsIn = ({ status }: Sight): readonly string[] =>
  (status?.problems ?? []).map(({ reason }) => reason);

/** Waits until it is said that arm64 is not proven, and why. */
const isNamed = async (reason: ProblemReason, words: string): Promise<void> => {
  const message: unknown = expect.stringContaining(words);
  const sight = await eventually(
    latest,
    (one) => !one.isLabelled && reasonsIn(one).includes(reason) && readyOf(one)?.reason === 'NodesNotProven',
  );
  expect(sight.status?.problems).toEqual([{ node: nodeName, architecture: 'arm64', reason, message }]);
  expect(sight.isLabelled).toBe(false);
  expect(readyOf(sight)).toMatchObject({ status: 'False', reason: 'NodesNotProven', message: 'arm64 0/1' });
  const isAbout = (note: string): boolean => note.includes(nodeName) && note.includes(words);
  const notes = await eventually(() => notesOf(reason), (seen) => seen.some(isAbout)); // prettier-ignore
  expect(notes.filter(isAbout)).not.toEqual([]);
};

/** Injects it, sees it named, cures it, and sees that it is over. */
const endures = async ({ reason, words, inject, cure }: Fault): Promise<void> => {
  const repairs = await repairsOf(reason);
  const began = Date.now();
  await inject();
  await isNamed(reason, words);
  const named = Date.now();
  await cure();
  const cured = Date.now();
  await proven();
  tell(reason, began, { named, cured });
  expect(await eventually(() => repairsOf(reason), (count) => count > repairs)).toBeGreaterThan(repairs); // prettier-ignore
};

const theirs = 'theirs';
const removeTheirs = (): void => {
  if (theirs in entries()) write(theirs, '-1');
};

export const namedFaults = (): void => {
  beforeEach(() => {
    unregisterForeign();
    registerForeign();
  });

  test('Disabled: status 0, though the entry reads enabled; 1 again heals it', async () => {
    await freshAgent();
    const before = { entries: entries(), inode: inodeOf(only().entry) };
    await endures({
      ...{ reason: 'Disabled', words: 'write 1 to /proc/sys/fs/binfmt_misc/status' },
      inject: () => {
        write('status', '0');
      },
      cure: async () => {
        expect(entries()).toEqual({ ...before.entries, status: 'disabled\n' });
        expect(await machine()).toBe('');
        write('status', '1');
      },
    });
    expect({ entries: entries(), inode: inodeOf(only().entry) }).toEqual(before);
  });

  test('MountReadOnly: found so by an agent that starts; read-write again heals it', async () => {
    await freshAgent();
    const before = { entries: entries(), inode: inodeOf(only().entry) };
    const remount = (how: 'ro' | 'rw') => execa('mount', ['-o', `remount,${how}`, binfmt]);
    await endures({
      ...{ reason: 'MountReadOnly', words: 'remount it read-write' },
      inject: async () => {
        await remount('ro');
        await replaceAgent();
      },
      cure: () => remount('rw'),
    });
    expect({ entries: entries(), inode: inodeOf(only().entry) }).toEqual(before);
  });

  test('ModuleMissing: no binfmt_misc, and none can be mounted; heals when one can', async () => {
    await freshAgent();
    // As on a kernel without it, the directory to mount it at is not there.
    await endures({
      ...{ reason: 'ModuleMissing', words: 'load the kernel module binfmt_misc' },
      inject: async () => {
        await unmount(binfmt);
        await execa('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', '/proc/sys/fs']);
      },
      cure: () => unmount('/proc/sys/fs'),
    });
  });

  test('NativeArchitecture: what the node runs itself is refused, and no entry is made for it', async () => {
    await freshAgent();
    const before = entries();
    await patchEmulation({ architectures: ['386'] });
    const emulation = await eventually(latest, (one) => reasonsIn(one).includes('NativeArchitecture'));
    const message: unknown = expect.stringContaining('this node runs i386 itself');
    const problem = { node: nodeName, architecture: '386', reason: 'NativeArchitecture', message };
    expect(emulation.status?.problems).toEqual([problem]);
    // The other architecture is not held up.
    const isBoth = (one: Sight): boolean => readyOf(one)?.message === '386 0/1, arm64 1/1';
    expect(readyOf(await eventually(latest, isBoth))).toMatchObject({
      ...{ status: 'False', reason: 'NodesNotProven', message: '386 0/1, arm64 1/1' },
    });
    expect(await eventually(emulationLabels, (labels) => labels.length > 0)).toEqual(['arm64=ready']);
    expect(entries()).toEqual(before);
    await patchEmulation({ architectures: [] });
    await reached('Proven');
    expect(entries()).toEqual(before);
  });

  describe('a handler of somebody else', () => {
    afterEach(async () => {
      removeTheirs();
      await patchEmulation({ managementState: 'Managed', foreignHandlers: 'Adopt' });
    });

    /** There before the agent: nothing of ours is on the node then. Returns what is there. */
    const isThereBefore = async (interpreter: string, spec: object = {}) => {
      await patchEmulation({ managementState: 'Removed' });
      await reached('Removed');
      expect(ours()).toEqual({});
      handle(theirs, interpreter);
      const before = others();
      expect(Object.keys(before)).toHaveLength(3);
      await patchEmulation({ managementState: 'Managed', ...spec });
      return before;
    };

    /** Whoever put it there takes it away: then ours is made. */
    const isTakenAway = (before: Readonly<Record<string, string>>): void => {
      expect(others()).toEqual(before);
      expect(ours()).toEqual({});
      removeTheirs();
    };

    test('that works is adopted: the node is proven by it, and nothing is made beside it', async () => {
      const before = await isThereBefore(working);
      await proven();
      expect(await agentLog()).toBe('aarch64: Proven by the handler theirs, which is not ours');
      const began = Date.now();
      isTakenAway(before);
      await eventually(() => Object.keys(ours()), ({ length }) => length > 0); // prettier-ignore
      const registered = Date.now();
      await proven();
      tell('the adopted handler goes', began, { registered });
      only();
    });

    test('that works, but is to be refused: HandlerForeign', async () => {
      let before = {};
      await endures({
        ...{ reason: 'HandlerForeign', words: 'the handler theirs is not ours' },
        inject: async () => {
          before = await isThereBefore(working, { foreignHandlers: 'Refuse' });
        },
        cure: () => {
          isTakenAway(before);
        },
      });
      only();
    });

    test('that does not work, there before: HandlerForeign', async () => {
      let before = {};
      await endures({
        ...{ reason: 'HandlerForeign', words: 'the handler theirs is not ours' },
        inject: async () => {
          before = await isThereBefore(broken);
        },
        cure: () => {
          isTakenAway(before);
        },
      });
      only();
    });

    test('that does not work, newer: HandlerShadowed; ours stays where it is', async () => {
      await freshAgent();
      const inode = inodeOf(only().entry);
      const before = others();
      await endures({
        ...{ reason: 'HandlerShadowed', words: 'the newer handler theirs does not work' },
        inject: () => {
          handle(theirs, broken);
        },
        cure: () => {
          expect(Object.keys(others())).toContain(theirs);
          removeTheirs();
        },
      });
      expect(others()).toEqual(before);
      expect(inodeOf(only().entry)).toBe(inode);
    });
  });
};
