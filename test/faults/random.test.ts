import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Client } from '../../src/kube/client.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { startFaultProxy } from './fault-proxy.ts';
import {
  asFile,
  clientBy,
  configMaps,
  gadget,
  gadgets,
  installGadgets,
  parts,
  startOperator,
  stateOf,
  wantedState,
} from './gadgets.ts';
import { faultOf, randomOf } from './randomness.ts';

// Any sequence of faults and edits ends in the state that a run without faults reaches. More seeds: `make soak`.
const seeds = Number(process.env['EDGEBUILD_SEEDS'] ?? 200);
const firstSeed = Number(process.env['EDGEBUILD_FIRST_SEED'] ?? 1);
const atOnce = 8;

let plane: ControlPlane;
let direct: { client: Client; close: () => Promise<void> };

beforeAll(async () => {
  plane = await startControlPlane();
  await installGadgets(plane);
  direct = clientBy(plane.kubeconfig);
}, 180_000);

afterAll(async () => {
  await direct.close();
  await plane.stop();
});

/** Edits of Gadgets, and of children behind the operator's back. Returns the values in the end. */
const edit = async (namespace: string, random: () => number): Promise<ReadonlyMap<string, string>> => {
  const { client } = direct;
  const values = new Map<string, string>();
  const ignoringAbsence = async (call: Promise<unknown>): Promise<void> => {
    try {
      await call;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  for (let step = 0; step < 12; step += 1) {
    const name = `g${String(Math.floor(random() * 3))}`;
    const child = { namespace, name: `${name}-${parts[Math.floor(random() * 3)] ?? 'a'}` };
    const what = random();
    if (what < 0.5) {
      values.set(name, String(step));
      await client.apply(gadgets, gadget(namespace, name, String(step)));
    } else if (what < 0.65) {
      values.delete(name);
      await ignoringAbsence(client.delete(gadgets, { namespace, name }));
    } else if (what < 0.8) {
      await ignoringAbsence(client.delete(configMaps, child));
    } else if (values.has(name)) {
      const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: child, data: { value: 'edited' } };
      const current = await client.get(configMaps, child).catch(() => undefined);
      if (current !== undefined) await ignoringAbsence(client.apply(configMaps, { ...foreign }));
    }
    await pause(random() * 60);
  }
  return values;
};

const runSeed = async (seed: number): Promise<{ seed: number; state: unknown; wanted: unknown }> => {
  const random = randomOf(seed);
  const namespace = `seed-${String(seed)}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  const proxy = await startFaultProxy(plane);
  proxy.faultFor = (asked) => faultOf(asked, random, 0.4);
  const operator = startOperator(await asFile(plane, proxy.kubeconfig), namespace);
  try {
    const wanted = wantedState(await edit(namespace, randomOf(seed + 1_000_000)));
    proxy.faultFor = () => undefined;
    const state = await until(
      () => stateOf(direct.client, namespace),
      (seen) => isDeepStrictEqual(seen, wanted),
      60_000,
    );
    return { seed, state, wanted };
  } finally {
    await operator.kill();
    await proxy.close();
  }
};

test(`${String(seeds)} seeded sequences of faults and edits end in the state of a run without faults`, async () => {
  const waiting = Array.from({ length: seeds }, (_, index) => firstSeed + index);
  const results: Awaited<ReturnType<typeof runSeed>>[] = [];
  const worker = async (): Promise<void> => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift())
      results.push(await runSeed(seed));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const failed = results.filter(({ state, wanted }) => !isDeepStrictEqual(state, wanted));
  expect(failed).toEqual([]);
  expect(results).toHaveLength(seeds);
}, 1_800_000);
