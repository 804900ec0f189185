import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openWorkspace } from '../../../src/engines/local/workspace.ts';
import { processesNaming } from '../../support/remains.ts';
import { until } from '../../support/until.ts';
import { newWorkshop } from '../../support/workshop.ts';

/**
 * A command that tries to outlive everything: children in sessions of their own, deaf to signals, and a mount. It says
 * `begun` when all of them are there.
 */
const stubborn = `
trap '' TERM INT HUP
mkdir /tmp/mounted && mount -t tmpfs tmpfs /tmp/mounted || exit 1
setsid sh -c 'trap "" TERM INT HUP; while :; do sleep 600; done' &
(setsid nohup sleep 600 >/dev/null 2>&1 &)
echo begun
wait`;

const shop = newWorkshop();
mkdirSync(shop.cache, { recursive: true });
const workspace = await openWorkspace(shop.cache);
const here = (): string[] => processesNaming(shop.cache);

describe('everything in a sandbox ends', () => {
  test('when it is aborted: before the caller hears of it, no process and no mount is left', async () => {
    const controller = new AbortController();
    const running = workspace.run({
      ...{ command: ['sh', '-c', stubborn], signal: controller.signal },
      onLine: (line) => {
        expect(here()).not.toEqual([]);
        if (line === 'begun') controller.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    expect(await until(here, (found) => found.length === 0)).toEqual([]);
  });

  test('when the command does, whatever it leaves in the background', async () => {
    const signal = new AbortController().signal;
    const status = await workspace.run({
      command: ['sh', '-c', '(setsid sleep 600 >/dev/null 2>&1 &); exit 3'],
      signal,
    });
    expect(status).toBe(3);
    expect(await until(here, (found) => found.length === 0)).toEqual([]);
  });

  test('when the caller is killed and can clean up nothing', async () => {
    const caller = `
      import { openWorkspace } from ${JSON.stringify(join(import.meta.dirname, '../../../src/engines/local/workspace.ts'))};
      const workspace = await openWorkspace(${JSON.stringify(shop.cache)});
      await workspace.run({
        command: ['sh', '-c', process.argv[1]],
        signal: new AbortController().signal,
        onLine: (line) => console.log(line),
      });`;
    const running = execa(process.execPath, ['--input-type=module', '--eval', caller, stubborn], {
      reject: false,
    });
    let seen: readonly string[] = [];
    running.stdout.on('data', (chunk: Buffer) => {
      if (!chunk.toString().includes('begun')) return;
      seen = here();
      running.kill('SIGKILL');
    });
    expect((await running).signal).toBe('SIGKILL');
    expect(seen.length).toBeGreaterThan(3);
    expect(await until(here, (found) => found.length === 0)).toEqual([]);
  });

  test('and nothing begins when the signal was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(workspace.run({ command: ['true'], signal })).rejects.toThrow('too late');
  });
});
