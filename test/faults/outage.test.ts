import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import { startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { clientBy, gadget, gadgets, installGadgets, startOperator, stateOf, wantedState } from './gadgets.ts';
import { defaultTiming } from '../../src/kube/watcher.ts';

// 2, with the real times of the product: the API server is gone for as long as the scenario says.
const goneMs = 78_000;

test('the API server is gone for 78 s: no crash, the status stays, and all is as it should be after its return', async () => {
  const plane = await startControlPlane();
  await installGadgets(plane);
  const direct = clientBy(plane.kubeconfig);
  await plane.kubectl(['create', 'namespace', 'test']);
  const operator = startOperator(plane.kubeconfig, 'test', { timing: defaultTiming });
  const converges = async (values: Readonly<Record<string, string>>): Promise<void> => {
    const wanted = wantedState(new Map(Object.entries(values)));
    const look = (): Promise<unknown> => stateOf(direct.client, 'test');
    expect(await until(look, (seen) => isDeepStrictEqual(seen, wanted), 60_000)).toEqual(wanted);
  };
  try {
    await direct.client.apply(gadgets, gadget('test', 'one', '1'));
    await converges({ one: '1' });
    const before = operator.gadgets.get('test/one');

    await plane.stopApiServer('SIGKILL');
    await pause(goneMs);
    expect(operator.gadgets.get('test/one')).toEqual(before);
    await plane.startApiServer();

    await direct.client.apply(gadgets, gadget('test', 'two', '1'));
    await converges({ one: '1', two: '1' });
    expect((await direct.client.get(gadgets, { namespace: 'test', name: 'one' })).metadata).toEqual(
      before?.metadata,
    );
    // No wait between tries is longer than this, so that it is back within 35 s of the server's return.
    expect(Math.max(...operator.interruptions.map(({ retryInMs }) => retryInMs))).toBeLessThanOrEqual(20_000);
  } finally {
    await operator.kill();
    await direct.close();
    await plane.stop();
  }
}, 400_000);
