import { expect, test } from '@jest/globals';
import * as kinds from '../../src/edgebuild/kinds.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import type { Build, BuildConfig } from '../../src/engines/openshift/types.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { until } from '../support/until.ts';
import { atOnce, type Household, inHousehold } from './edgebuild-life.ts';
import { simple, type Spec, wordsOf } from './edgebuild-site.ts';
import { edgeBuildSuite } from './edgebuild-suite.ts';
import { faultOf, randomOf } from './randomness.ts';

// Any sequence of faults, edits and kills ends in the state that a run without faults reaches. More seeds: `make soak`.
const seeds = Number(process.env['EDGEBUILD_BUILD_SEEDS'] ?? 24);
const firstSeed = Number(process.env['EDGEBUILD_FIRST_SEED'] ?? 1);
const suite = await edgeBuildSuite();
const names = ['one', 'two'] as const;

const ignoringAbsence = async (call: Promise<unknown>): Promise<void> => {
  try {
    await call;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
};

/** Time as the operator's requests make it: by the clock, a seed would mean something else on each machine. */
const requestsOf = () => {
  let count = 0;
  const waiting = new Map<() => void, number>();
  return {
    came: (): void => {
      count += 1;
      for (const [resolve, at] of waiting) if (at <= count && waiting.delete(resolve)) resolve();
    },
    /** Until so many more have come. */
    more: (some: number): Promise<void> =>
      new Promise((resolve) => {
        waiting.set(resolve, count + some);
      }),
  };
};

/** From 1 to `most`. */
const numberOf = (random: () => number, most: number): number => 1 + Math.floor(random() * most);

/** Edits by authors, and by other hands. Returns the specs that there are in the end. */
const edit = async (
  namespace: string,
  random: () => number,
  wait: () => Promise<void>,
): Promise<ReadonlyMap<string, Spec>> => {
  const { site } = suite;
  const specs = new Map<string, Spec>();
  for (let step = 0; step < 8; step += 1) {
    const name = names[Math.floor(random() * names.length)] ?? 'one';
    const what = random();
    const children: readonly (readonly [Kind, string])[] = [
      [kinds.buildConfigs, `${name}-arm64`],
      [kinds.imageStreams, `${name}-bases`],
    ];
    const [kind, child] = children[Math.floor(random() * children.length)] ?? [kinds.buildConfigs, name];
    if (what < 0.55) {
      const { source } = simple(random() < 0.5 ? site.base : site.otherBase);
      const spec = { source: { dockerfile: `${source.dockerfile ?? ''}RUN echo ${String(step)}\n` } };
      specs.set(name, spec);
      await site.put(namespace, name, spec);
    } else if (what < 0.65) {
      specs.delete(name);
      await ignoringAbsence(site.drop(namespace, name));
    } else if (what < 0.8) await ignoringAbsence(site.client.delete(kind, { namespace, name: child }));
    else {
      const labels = { 'app.kubernetes.io/managed-by': null, 'edgebuild.io/inputs': 'edited' };
      const patch = { metadata: { namespace, name: child, labels } };
      await ignoringAbsence(site.client.mergePatch(kind, patch));
    }
    await wait();
  }
  return specs;
};

/** What is wrong in a namespace where these EdgeBuilds should be, and each be Ready: nothing, in the end. */
const wrongIn = async (namespace: string, wanted: ReadonlyMap<string, Spec>): Promise<readonly string[]> => {
  const { site } = suite;
  const all = await site.all<StoredEdgeBuild>(kinds.edgeBuilds, namespace);
  const builds = await site.all<KubeObject & Build>(kinds.builds, namespace);
  const configs = await site.all<KubeObject & BuildConfig>(kinds.buildConfigs, namespace);
  const { tags, children } = await site.state(namespace);
  const found = all.map(({ metadata }) => metadata.name).sort();
  const unlike = found.join() === [...wanted.keys()].sort().join() ? [] : [`there are ${found.join()}`];
  const left = children.filter(
    (child) => !/^ImageStream (one|two)$/.test(child) && !found.some((name) => child.includes(` ${name}-`)),
  );
  return [
    ...unlike,
    ...left.map((child) => `${child} is left`),
    ...all.flatMap((object) => wrongOf(object, configs, tags)),
    ...twiceMade(builds),
  ];
};

const inputsOf = ({ metadata }: KubeObject): string => metadata.labels?.['edgebuild.io/inputs'] ?? '';

const wrongOf = (
  object: StoredEdgeBuild,
  configs: readonly KubeObject[],
  tags: readonly string[],
): readonly string[] => {
  const { metadata, status } = object;
  const words = wordsOf(object);
  const [platform] = status?.platforms ?? [];
  const config = configs.find((one) => one.metadata.name === `${metadata.name}-arm64`);
  const checks: readonly (readonly [boolean, string])[] = [
    [words['isCurrent'] === true && words['Ready'] === 'True Ready', `is ${JSON.stringify(words)}`],
    [config?.metadata.ownerReferences?.[0]?.uid === metadata.uid, 'has no BuildConfig'],
    [config !== undefined && platform?.inputs === inputsOf(config), 'is built from something else'],
    [status?.image?.digest === platform?.digest, 'has published something else'],
    [tags.includes(`${metadata.name}:latest ${platform?.digest ?? ''}`), 'has not moved its tag'],
  ];
  return checks.flatMap(([isSo, words_]) => (isSo ? [] : [`${metadata.name} ${words_}`]));
};

/** No BuildConfig has made two builds of the same inputs, unless the first has failed: and none fails here. */
const twiceMade = (builds: readonly (KubeObject & Build)[]): readonly string[] => {
  const seen = new Set<string>();
  return builds.flatMap((build) => {
    const key = `${build.metadata.ownerReferences?.[0]?.uid ?? ''} ${inputsOf(build)}`;
    const isTwice = seen.has(key);
    seen.add(key);
    return isTwice ? [`${build.metadata.name} is a second build`] : [];
  });
};

const live = async (
  seed: number,
  { namespace, proxy, start, stop }: Household,
): Promise<readonly string[]> => {
  const random = randomOf(seed);
  let isOver = false;
  const requests = requestsOf();
  proxy.faultFor = (asked) => {
    requests.came();
    return isOver ? undefined : faultOf(asked, random, 0.3);
  };
  const timing = { relistMs: 2000 };
  const first = start({ timing });
  const editors = randomOf(seed + 1_000_000);
  const editing = edit(namespace, editors, () => requests.more(numberOf(editors, 12)));
  await requests.more(numberOf(random, 50));
  await stop(first);
  start({ timing });
  const wanted = await editing;
  isOver = true;
  return until(
    () => wrongIn(namespace, wanted),
    (wrong) => wrong.length === 0,
    // What was refused is tried again after 20 s.
    180_000,
  );
};

test(`${String(seeds)} seeded sequences of faults, edits and kills end in the state of a run without faults`, async () => {
  const all = Array.from({ length: seeds }, (_, index) => firstSeed + index);
  const ends = await atOnce(6, all, (seed) =>
    inHousehold(suite.site, `seed-${String(seed)}`, async (household) => ({
      seed,
      wrong: await live(seed, household),
    })),
  );
  expect(ends.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
  expect(ends).toHaveLength(seeds);
}, 1_800_000);
