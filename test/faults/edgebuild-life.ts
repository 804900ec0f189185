import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { buildConfigs, edgeBuilds, type StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { createStore } from '../../src/kube/store.ts';
import { until } from '../support/until.ts';
import {
  type EdgeBuildOperator,
  type EdgeBuildOperatorOptions,
  startEdgeBuilds,
} from './edgebuild-operator.ts';
import { type BuildsState, type EdgeBuildSite, simple, type Spec } from './edgebuild-site.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { asFile } from './gadgets.ts';

/** How everything is at the turns of a life: published, published again after a change, and deleted. */
export type Life = readonly [BuildsState, BuildsState, BuildsState];

const patience = 90_000;

const spec = (base: string, word: string): Spec => ({
  ...simple(base),
  source: { dockerfile: `FROM ${base}\nRUN echo ${word}\n` },
  // No pod is wanted: none would run.
  deploy: { replicas: 0, port: 8080, expose: true },
});

/** What is left of an EdgeBuild: what it has published, and that alone. */
const onlyOutput = ({ edgeBuilds: objects, builds, children }: BuildsState): boolean =>
  isDeepStrictEqual([objects, builds, children], [{}, [], ['ImageStream web']]);

/** An EdgeBuild comes, is changed, and goes. */
export const live = async (site: EdgeBuildSite, namespace: string): Promise<Life> => {
  const ready = { Ready: 'True Ready', Deployed: 'True Deployed', 'linux/arm64': 'Succeeded BuildComplete' };
  await site.put(namespace, 'web', spec(site.base, 'one'));
  await site.becomes(namespace, 'web', ready);
  const first = await site.state(namespace);
  await site.put(namespace, 'web', spec(site.base, 'two'));
  await site.becomes(namespace, 'web', ready);
  const second = await site.state(namespace);
  await site.drop(namespace, 'web');
  // One list while there is something to wait for: many live at a time.
  const configs = async (): Promise<number> => (await site.all(buildConfigs, namespace)).length;
  await until(configs, (count) => count === 0, patience);
  const last = await until(() => site.state(namespace), onlyOutput, patience);
  return [first, second, last];
};

/** Follows an EdgeBuild meanwhile, and asserts that no generation was ever called Ready with the image of another one. */
export const followingReady = async <T>(
  site: EdgeBuildSite,
  namespace: string,
  work: () => Promise<T>,
): Promise<T> => {
  const stop = new AbortController();
  const ready: { readonly of: number; readonly seenIn: number; readonly digest: string }[] = [];
  const store = createStore<StoredEdgeBuild>(site.client, edgeBuilds, { fieldManager: 'none', namespace });
  store.onChange((change) => {
    if (change.type === 'availability' || change.type === 'deleted') return;
    const { conditions, observedGeneration = 0, image } = change.object.status ?? {};
    const condition = conditions?.find(({ type }) => type === 'Ready');
    if (condition?.status !== 'True') return;
    ready.push({ of: condition.observedGeneration, seenIn: observedGeneration, digest: image?.digest ?? '' });
  });
  const following = store.run(stop.signal);
  const result = await work().finally(async () => {
    stop.abort();
    await following;
  });
  expect(ready.filter(({ of, seenIn }) => of !== seenIn)).toEqual([]);
  const pairs = new Set(ready.map(({ of, digest }) => `${String(of)} ${digest}`));
  expect(pairs.size).toBe(2);
  expect(new Set(ready.map(({ digest }) => digest)).size).toBe(2);
  return result;
};

/** A namespace with a proxy, and operators behind it that look after that namespace alone: several live at a time. */
export interface Household {
  readonly namespace: string;
  readonly proxy: FaultProxy;
  readonly start: (options?: EdgeBuildOperatorOptions) => EdgeBuildOperator;
  readonly stop: (operator: EdgeBuildOperator) => Promise<void>;
}

export const inHousehold = async <T>(
  site: EdgeBuildSite,
  name: string,
  work: (household: Household) => Promise<T>,
): Promise<T> => {
  const namespace = await site.namespace(name);
  const proxy = await startFaultProxy(site.plane);
  const kubeconfig = await asFile(site.plane, proxy.kubeconfig);
  const operators = new Set<EdgeBuildOperator>();
  try {
    return await work({
      ...{ namespace, proxy },
      start: (options) => {
        const operator = startEdgeBuilds(kubeconfig, { namespaces: [namespace], ...options });
        operators.add(operator);
        return operator;
      },
      stop: async (operator) => {
        operators.delete(operator);
        await operator.kill();
      },
    });
  } finally {
    await Promise.all([...operators].map((operator) => operator.kill()));
    await proxy.close();
  }
};

/** All of them, so many at a time, in their order. */
export const atOnce = async <In, Out>(
  width: number,
  items: readonly In[],
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> => {
  const waiting = [...items.entries()];
  const results: Out[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
};

/**
 * Tests that wait more than they work: all begin before the first of them, each in a household of its own, and each test
 * awaits its own.
 */
export const sideBySide = (
  suite: { readonly site: EdgeBuildSite },
  works: Readonly<Record<string, (household: Household) => Promise<void>>>,
): void => {
  const ends = new Map<string, Promise<PromiseSettledResult<void>[]>>();

  beforeAll(() => {
    for (const [index, [title, work]] of Object.entries(works).entries()) {
      const words = title.toLowerCase().match(/[a-z0-9]+/g) ?? [];
      const name = `side-${String(index + 1)}-${words.slice(0, 4).join('-')}`;
      // One that fails before its test has come is no failure of another test.
      ends.set(title, Promise.allSettled([inHousehold(suite.site, name, work)]));
    }
  });

  test.each(Object.keys(works))(
    '%s',
    async (title) => {
      const [end] = (await ends.get(title)) ?? [];
      if (end?.status !== 'fulfilled') throw end?.reason;
    },
    300_000,
  );
};
