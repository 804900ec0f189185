/** Faults that the agent repairs, some before anybody has noticed. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { kubectl } from '../manifests/installation.ts';
import {
  agent,
  agentAtRest,
  binfmt,
  broken,
  emulators,
  files,
  freshAgent,
  handle,
  inodeOf,
  machine,
  only,
  others,
  ours,
  proven,
  registrations,
  replaceAgent,
  restartsOf,
  sightsSince,
  tell,
  unmount,
  working,
  write,
} from './faults-site.ts';
import { agents, eventually, registerForeign, unregisterForeign } from './lifecycle-site.ts';

/** By renaming: nobody can write into a file that the kernel holds as an interpreter. */
const replaceFile = (file: string, by: string): void => {
  copyFileSync(by, `${file}.theirs`);
  renameSync(`${file}.theirs`, file);
};

const replaceEntry = (interpreter: string): void => {
  const { entry } = only();
  write(entry, '-1');
  handle(entry, interpreter);
};

const flush = (): void => {
  write('status', '-1');
};

/** What it does to the node, and whether handlers of others go as well. */
const faults: readonly (readonly [string, () => unknown, 'others go' | 'others stay'])[] = [
  ['every handler flushed with -1 to status', flush, 'others go'],
  ['its entry removed', () => { write(only().entry, '-1'); }, 'others stay'],
  ['an interpreter that does not work under its name', () => { replaceEntry(broken); }, 'others stay'],
  ['another interpreter that works under its name', () => { replaceEntry(working); }, 'others stay'],
  ['another file behind its name and path, which read as before', () => {
    const { file } = only();
    renameSync(file, `${file}.kept`);
    copyFileSync(broken, file);
    replaceEntry(file);
    renameSync(`${file}.kept`, file);
  }, 'others stay'],
  ['its emulator deleted', () => { rmSync(only().file); }, 'others stay'],
  ['its emulator made another program, and its entry removed', () => {
    const { entry, file } = only();
    replaceFile(file, broken);
    write(entry, '-1');
  }, 'others stay'],
  ['its emulator made another program, and every handler flushed', () => {
    replaceFile(only().file, broken);
    flush();
  }, 'others go'],
  ['the last mount gone', () => unmount(binfmt), 'others go'],
]; // prettier-ignore

const mounts = (): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(` ${binfmt} `)); // prettier-ignore

/** The agent's process, as the node sees it. A shell that it forks for a moment has the same command line. */
const agentProcess = (): number => {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [pid, parentOfAgent(pid)] as const)
      .filter(([, parent]) => parent !== undefined),
  );
  const processes = [...parents].filter(([, parent = '']) => !parents.has(parent)).map(([pid]) => pid);
  expect(processes).toHaveLength(1);
  return Number(processes[0]);
};
/** Undefined if it is another program's, or has ended meanwhile. */
const parentOfAgent = (pid: string): string | undefined => {
  const read = (name: string): string => readFileSync(join('/proc', pid, name), 'latin1');
  try {
    if (!read('cmdline').includes('agent.sh\0register\0')) return undefined;
    return /^PPid:\s+(\d+)$/m.exec(read('status'))?.[1];
  } catch {
    return undefined;
  }
};

export const healedFaults = (): void => {
  beforeEach(() => {
    unregisterForeign();
    registerForeign();
  });

  describe('is repaired, whoever noticed:', () => {
    beforeEach(agentAtRest);

    test.each(faults)('%s', async (what, inject, whatOfOthers) => {
      const before = { entries: ours(), emulators: emulators(), registrations: await registrations() };
      const theirs = others();
      expect(Object.keys(theirs)).toHaveLength(2);
      const began = Date.now();
      await inject();
      const look = async () => ({
        ...{ entries: ours(), emulators: emulators() },
        registrations: Math.min(await registrations(), before.registrations + 1),
      });
      const wanted = { ...before, registrations: before.registrations + 1 };
      expect(await eventually(look, (seen) => isDeepStrictEqual(seen, wanted))).toEqual(wanted);
      const repaired = Date.now();
      expect(await eventually(machine, (said) => said === 'aarch64')).toBe('aarch64');
      await proven();
      tell(what, began, { repaired });
      expect(others()).toEqual(whatOfOthers === 'others go' ? {} : theirs);
    });

    test('the last mount gone: what the agent mounts is the node’s, and outlives the agent', async () => {
      await unmount(binfmt);
      await eventually(mounts, ({ length }) => length > 0);
      expect(mounts()).toEqual([expect.stringMatching(/ shared:\d+ - binfmt_misc /)]);
      await eventually(() => Object.keys(ours()), ({ length }) => length > 0); // prettier-ignore
      await proven();
      const [before, inode] = [ours(), inodeOf(only().entry)];
      await replaceAgent();
      expect(ours()).toEqual(before);
      expect(inodeOf(only().entry)).toBe(inode);
      await proven();
      expect(readdirSync(files)).toContain('mounted');
    });
  });

  describe('the agent', () => {
    beforeEach(freshAgent);

    test('killed with SIGKILL: what it registered stays, nobody else notices, and it goes on', async () => {
      const { entry } = only();
      const inode = inodeOf(entry);
      const theirs = others();
      const began = Date.now();
      process.kill(agentProcess(), 'SIGKILL');
      expect(restartsOf(await eventually(agent, (pod) => restartsOf(pod) === 1))).toBe(1);
      await proven();
      tell('agent killed', began, { 'runs again': Date.now() });
      expect(sightsSince(began).filter(({ isLabelled }) => !isLabelled)).toEqual([]);
      expect(inodeOf(entry)).toBe(inode);
      expect(others()).toEqual(theirs);

      // The one that runs now repairs as the one before did.
      const before = ours();
      write(entry, '-1');
      expect(await eventually(ours, (seen) => isDeepStrictEqual(seen, before))).toEqual(before);
      await proven();
    });

    test('killed with SIGKILL just before its entry is removed: repaired when it is back', async () => {
      const before = ours();
      const began = Date.now();
      process.kill(agentProcess(), 'SIGKILL');
      write(only().entry, '-1');
      expect(await eventually(ours, (seen) => isDeepStrictEqual(seen, before))).toEqual(before);
      const repaired = Date.now();
      await proven();
      tell('agent killed, entry removed', began, { repaired });
    });

    test('deleted by force: the label goes and comes back, and what is registered stays', async () => {
      const { entry } = only();
      const inode = inodeOf(entry);
      const began = Date.now();
      await kubectl(agents, 'delete', 'pod', '--all', '--force', '--grace-period=0');
      const losses = () => sightsSince(began).filter(({ isLabelled }) => !isLabelled);
      expect(await eventually(losses, ({ length }) => length > 0)).not.toEqual([]);
      await proven();
      tell('agent deleted by force', began, {});
      expect(inodeOf(entry)).toBe(inode);
    });
  });
};
