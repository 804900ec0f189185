import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ApiError } from '../../src/kube/errors.ts';
import { ask } from '../cluster/answers.ts';
import { clientOf, type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { freePorts } from '../cluster/ports.ts';
import { until } from '../support/until.ts';
import { clientBy, gadget, gadgets, installGadgets, startOperator, stateOf, wantedState } from './gadgets.ts';
import { startRelay } from './relay.ts';

// 4, with a real 410: etcd has forgotten what a watch, or a list, is to go on from.

/** A control plane, and a function by which its etcd forgets all but what is now. */
const startForgetful = async (
  apiServerFlags: readonly string[],
): Promise<{ readonly plane: ControlPlane; readonly forget: () => Promise<number> }> => {
  const [etcd = 0] = await freePorts(1);
  const plane = await startControlPlane({ ports: { etcd }, apiServerFlags });
  const post = async (path: string, body: object): Promise<unknown> => {
    const url = `https://127.0.0.1:${String(etcd)}/v3/kv/${path}`;
    const options = { ...clientOf(plane.certificates, 'etcd-client'), method: 'POST' };
    const answer = await ask(url, options, Buffer.from(JSON.stringify(body)));
    expect(answer).toMatchObject({ status: 200 });
    return JSON.parse(answer?.body ?? '');
  };
  return {
    plane,
    forget: async () => {
      const key = Buffer.from('/').toString('base64');
      const { header } = (await post('range', { key })) as { header: { revision: string } };
      await post('compaction', { revision: header.revision, physical: true });
      return Number(header.revision);
    },
  };
};

describe('4: a watch is to go on from what etcd has forgotten: everything is listed, and a deletion that was missed is seen', () => {
  test.each([
    // With nothing between a watch and etcd.
    ['by a server without a cache', ['--watch-cache=false'], false, /too old/],
    // The cache remembers what etcd does not: but not over a restart.
    ['by a server that was started again', [], true, /too old resource version/],
  ] as const)(
    '%s',
    async (_what, flags, restarts, message) => {
      const { plane, forget } = await startForgetful(flags);
      await installGadgets(plane);
      await plane.kubectl(['create', 'namespace', 'test']);
      const relay = await startRelay(plane);
      const direct = clientBy(plane.kubeconfig);
      const operator = startOperator(relay.kubeconfig, 'test', { timing: { relistMs: 600_000 } });
      const deleted: string[] = [];
      operator.gadgets.onChange((change) => {
        if (change.type === 'deleted') deleted.push(change.object.metadata.name);
      });
      const put = (name: string, value: string): Promise<unknown> =>
        direct.client.apply(gadgets, gadget('test', name, value));
      const converges = async (values: Readonly<Record<string, string>>): Promise<void> => {
        const wanted: unknown = wantedState(new Map(Object.entries(values)));
        const look = (): Promise<unknown> => stateOf(direct.client, 'test');
        expect(await until(look, (seen) => isDeepStrictEqual(seen, wanted), 60_000)).toEqual(wanted);
      };
      try {
        await put('kept', '1');
        await put('gone', '1');
        await converges({ kept: '1', gone: '1' });

        relay.welcome = 'reset';
        relay.reset();
        await direct.client.delete(gadgets, { namespace: 'test', name: 'gone' });
        await put('kept', '2');
        if (restarts) await plane.stopApiServer();
        const forgotten = await forget();
        if (restarts) await plane.startApiServer();
        expect(operator.gadgets.get('test/gone')?.metadata.resourceVersion).toBeDefined();
        expect(Number(operator.gadgets.get('test/kept')?.metadata.resourceVersion)).toBeLessThan(forgotten);
        expect(deleted).toEqual([]);

        relay.welcome = 'pass';
        await converges({ kept: '2' });
        expect(await until(() => deleted, isNotEmpty)).toEqual(['gone']);
        expect(operator.gadgets.keys()).toEqual(['test/kept']);
        const gone = operator.interruptions.filter(({ cause }) => cause === 'Gone');
        expect(gone.length).toBeGreaterThan(0);
        for (const { error } of gone) {
          expect(error).toMatchObject({ code: 410, reason: 'Expired' });
          expect(error?.message).toMatch(message);
        }
        // Once for each kind: from the new list it goes on.
        expect(gone.length).toBeLessThanOrEqual(2);
      } finally {
        await operator.kill();
        await direct.close();
        await relay.close();
        await plane.stop();
      }
    },
    240_000,
  );
});

const isNotEmpty = ({ length }: readonly unknown[]): boolean => length > 0;

test('a list in pages, the rest of which etcd has forgotten, ends with 410: not with half of it', async () => {
  const { plane, forget } = await startForgetful(['--watch-cache=false']);
  const { client, close } = clientBy(plane.kubeconfig);
  try {
    await installGadgets(plane);
    for (const name of ['one', 'two', 'three']) await client.apply(gadgets, gadget('default', name, '1'));
    const pages = client.list(gadgets, { namespace: 'default', limit: 1 });
    expect((await pages.next()).value).toMatchObject({ items: [{ metadata: { name: 'one' } }] });
    await client.apply(gadgets, gadget('default', 'four', '1'));
    await forget();
    const failure: unknown = await pages.next().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure).toMatchObject({ code: 410, reason: 'Expired' });
  } finally {
    await close();
    await plane.stop();
  }
}, 120_000);
