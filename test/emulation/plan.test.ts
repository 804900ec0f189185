import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emulatedNames, type EmulatedName } from '../../src/api/architecture-names.ts';
import { platformNames } from '../../src/api/platforms.ts';
import {
  modeLabel,
  registeringDaemonSet,
  removingDaemonSet,
} from '../../src/emulation/desired/daemon-set.ts';
import type { DaemonSet, StoredNodeEmulation } from '../../src/emulation/kinds.ts';
import { architecturesNeeded } from '../../src/emulation/needs.ts';
import { type Plan, planOf, removalMs } from '../../src/emulation/plan.ts';
import { nodeEmulationSpecSchema, nodeEmulationStatusSchema } from '../../src/api/node-emulation.ts';
import { problemReasons } from '../../src/api/node-emulation-words.ts';
import {
  applied,
  build,
  type Cluster,
  emulationOf,
  later,
  node,
  now,
  observedIn,
  pod,
  proves,
  removed,
  says,
  served,
  shipped,
  starts,
} from './cluster.ts';

const arm64 = build(['linux/arm64']);
const registering = (architectures: readonly EmulatedName[] = ['arm64'], spec: object = {}): DaemonSet =>
  served(
    registeringDaemonSet({
      ...{ image: shipped.image, architectures, maxUnavailable: '10%' },
      spec: nodeEmulationSpecSchema.parse(spec),
    }),
  );
const removing = (since = now): DaemonSet =>
  served(removingDaemonSet({ image: shipped.image, nodeSelector: {}, since }));
const hasRemoved = pod('one', [removed], { mode: 'remove' });
const done = (reason: 'Removed' | 'NotRemoved', generation = 1): StoredNodeEmulation =>
  emulationOf(
    { managementState: 'Removed' },
    {
      generation: 1,
      status: {
        observedGeneration: generation,
        conditions: [
          {
            ...{ type: 'Ready', status: 'True', reason, message: '', observedGeneration: generation },
            lastTransitionTime: now,
          },
        ],
      },
    },
  );

const planIn = (cluster: Cluster, at = now): Plan => planOf(observedIn(cluster), at);
/** "register arm64", "clear NotRemoved one": what matters of a plan, in words. */
const wordsOf = (plan: Plan): string => {
  switch (plan.type) {
    case 'rest':
    case 'refuse':
      return `${plan.type} ${plan.reason}`;
    case 'watch':
    case 'create':
      return plan.type;
    case 'register':
      return `register ${plan.architectures.join(' ')}`;
    case 'remove':
      return ['remove', ...plan.left].join(' ');
    case 'clear':
      return ['clear', plan.reason, ...plan.unreached].join(' ');
  }
};

describe('what is planned', () => {
  const removedState = emulationOf({ managementState: 'Removed' });
  const unready = [node('one', false)];
  test.each<[string, Cluster, string]>([
    ['nothing where nobody needs anything', {}, 'rest Removed'],
    ['a NodeEmulation where an EdgeBuild needs emulation', { builds: [arm64] }, 'create'],
    ['no NodeEmulation for what nodes run themselves', { builds: [build(['linux/amd64', 'linux/386'])] }, 'rest Removed'],
    ['the removal of what is left when the NodeEmulation was deleted', { daemonSet: registering() }, 'remove one'],
    ['a NodeEmulation again when it was deleted, but is needed', { builds: [arm64], daemonSet: registering() }, 'create'],
    ['rest when nothing is asked for', { emulation: emulationOf() }, 'rest NotNeeded'],
    ['agents for what an EdgeBuild needs', { emulation: emulationOf(), builds: [arm64] }, 'register arm64'],
    ['agents for what is always asked for', { emulation: emulationOf({ architectures: ['s390x'] }) }, 'register s390x'],
    ['agents for both, sorted, none twice', { emulation: emulationOf({ architectures: ['s390x', 'arm64'] }), builds: [arm64, build(['linux/ppc64le'])] }, 'register arm64 ppc64le s390x'],
    ['removal when the last need is gone', { emulation: emulationOf(), daemonSet: registering() }, 'remove one'],
    ['agents again in the middle of removal', { emulation: emulationOf(), builds: [arm64], daemonSet: removing(), pods: [hasRemoved] }, 'register arm64'],
    ['to wait for a node that has not answered', { emulation: removedState, daemonSet: removing() }, 'remove one'],
    ['to wait for a node whose agent still registers', { emulation: removedState, daemonSet: removing(), pods: [pod('one', [proves('arm64')])] }, 'remove one'],
    ['the end when every node has answered', { emulation: removedState, daemonSet: removing(), pods: [hasRemoved] }, 'clear Removed'],
    ['the end without a node that is not Ready, which is named', { emulation: removedState, daemonSet: removing(), nodes: unready }, 'clear NotRemoved one'],
    ['not to wait before the removal has begun', { emulation: removedState, nodes: unready }, 'remove'],
    ['removal by a new DaemonSet where the old one was deleted by hand', { emulation: removedState }, 'remove one'],
    ['rest when the removal is over', { emulation: done('Removed') }, 'rest Removed'],
    ['rest when it is over, and could not reach all', { emulation: done('NotRemoved') }, 'rest Removed'],
    ['removal again when it was over for another spec', { emulation: done('Removed', 0) }, 'remove one'],
    ['nothing while it is Unmanaged', { emulation: emulationOf({ managementState: 'Unmanaged' }), builds: [arm64], daemonSet: registering() }, 'watch'],
    ['to tell a person of a spec that is none', { emulation: emulationOf({ architectures: ['z80'] }) }, 'refuse InvalidSpec'],
    ['to tell a person that no image is known', { emulation: emulationOf(), builds: [arm64], shipped: undefined }, 'refuse AgentImageUnknown'],
    ['agents of the image that the spec names', { emulation: emulationOf({ image: 'mine/agent:1' }), builds: [arm64], shipped: undefined }, 'register arm64'],
    ['rest without any image where none is needed', { emulation: emulationOf(), shipped: undefined }, 'rest NotNeeded'],
    ['removal with the image of the DaemonSet that is there', { daemonSet: registering(), shipped: undefined }, 'remove one'],
    ['removal from the nodes that had an agent, not from others', { daemonSet: registering(['arm64'], { nodeSelector: { edge: 'yes' } }), nodes: [node('one'), node('two', true, { edge: 'yes' })] }, 'remove two'],
  ])('is %s', (_what, cluster, words) => {
    expect(wordsOf(planIn(cluster))).toBe(words);
  }); // prettier-ignore

  test('waits for a node that never answers for two minutes, and then names it', () => {
    const cluster = { emulation: removedState, daemonSet: removing() };
    expect(planIn(cluster, later(removalMs / 1000 - 1))).toMatchObject({ type: 'remove', endsInMs: 1000 });
    expect(wordsOf(planIn(cluster, later(removalMs / 1000)))).toBe('clear NotRemoved one');
  });

  test('what nobody needs any more is no failure where a node is away', () => {
    const cluster = { emulation: emulationOf(), daemonSet: removing(), nodes: unready };
    expect(planIn(cluster)).toEqual({ type: 'clear', reason: 'NotNeeded', unreached: ['one'] });
  });

  test.each<[string, Cluster, string | number]>([
    ['a node in ten at a time', { daemonSet: registering(), pods: [pod('one', [proves('arm64')])] }, '10%'],
    ['one beside a node that is not Ready', { daemonSet: registering(), nodes: [node('one'), node('two', false)] }, 2],
    ['two of twelve beside two that are not Ready', { nodes: Array.from({ length: 12 }, (_, at) => node(`node-${at}`, at > 1)) }, 4],
    ['a node in ten, whatever is with nodes that get no agent', { emulation: emulationOf({ nodeSelector: { edge: 'yes' } }), nodes: [node('one', true, { edge: 'yes' }), node('two', false)] }, '10%'],
    ['all nodes where an agent has removed everything', { daemonSet: removing(), pods: [hasRemoved, pod('two', [proves('arm64')])] }, '100%'],
    ['a node in ten again when the last of those leaves', { daemonSet: registering(), pods: [pod('one', [removed], { mode: 'remove', metadata: { deletionTimestamp: now } })] }, '10%'],
  ])('replaces the agents of %s', (_what, cluster, maxUnavailable) => {
    expect(planIn({ emulation: emulationOf(), builds: [arm64], ...cluster })).toMatchObject({
      type: 'register',
      daemonSet: { spec: { updateStrategy: { rollingUpdate: { maxUnavailable } } } },
    });
  }); // prettier-ignore

  test('keeps the time at which the removal began', () => {
    const plan = planIn({ emulation: removedState, daemonSet: removing(now) }, later(30));
    expect(plan).toMatchObject({
      daemonSet: { metadata: { annotations: { 'edgebuild.io/removal-since': now } } },
    });
  });
});

describe('what EdgeBuilds need', () => {
  test.each([
    ['nothing without any', [], []],
    ['ARM64 for linux/arm64', [arm64], ['arm64']],
    ['one emulator for both platforms of 32-bit ARM', [build(['linux/arm/v7', 'linux/arm/v6'])], ['arm']],
    ['nothing for what x86_64 runs itself', [build(['linux/amd64', 'linux/386'])], []],
    ['nothing that is to be built natively', [build(['linux/arm64'], { execution: 'Native' })], []],
    ['what may turn out to be native', [build(['linux/arm64'], { execution: 'PreferNative' })], ['arm64']],
    ['nothing for one that is being deleted', [build(['linux/arm64'], {}, { deletionTimestamp: now })], []],
    ['nothing for a platform that this version does not know', [build(['linux/z80'])], []],
    ['the union of all, sorted', [build(['linux/s390x', 'linux/arm64']), arm64, build(['linux/riscv64'])], ['arm64', 'riscv64', 's390x']],
    ['nothing for one without a spec', [{ ...arm64, spec: {} }], []],
  ])('is %s', (_what, builds, needed) => {
    expect(architecturesNeeded(builds)).toEqual(needed);
  }); // prettier-ignore
});

const names = ['one', 'two', 'three'];
const arbitrary = {
  architectures: fc.uniqueArray(fc.constantFrom(...emulatedNames), { maxLength: 3 }),
  spec: fc.record(
    {
      managementState: fc.constantFrom('Managed', 'Unmanaged', 'Removed'),
      architectures: fc.uniqueArray(fc.constantFrom<string>('arm64', 's390x', '386', 'z80'), {
        maxLength: 2,
      }),
      nodeSelector: fc.constantFrom({}, { edge: 'yes' }),
      image: fc.constantFrom('', 'mine/agent:1'),
      credentials: fc.boolean(),
      tolerations: fc.constantFrom([], [{ operator: 'Exists' }]),
    },
    { requiredKeys: [] },
  ),
  builds: fc.array(
    fc
      .uniqueArray(fc.constantFrom(...platformNames), { minLength: 1, maxLength: 3 })
      .map((all) => build(all)),
    { maxLength: 2 },
  ),
  nodes: fc
    .tuple(
      ...names.map(() => fc.record({ isThere: fc.boolean(), isReady: fc.boolean(), edge: fc.boolean() })),
    )
    .map((all) =>
      all.flatMap(({ isThere, isReady, edge }, index) =>
        isThere ? [node(names[index] ?? '', isReady, edge ? { edge: 'yes' } : {})] : [],
      ),
    ),
  pods: fc.array(
    fc
      .record({
        name: fc.constantFrom(...names),
        mode: fc.constantFrom('register', 'remove'),
        metadata: fc.constantFrom({}, { deletionTimestamp: now }),
        container: fc.oneof(
          fc.constantFrom(removed, proves('arm64'), starts('s390x')),
          fc.constantFrom(...Object.keys(problemReasons)).map((reason) => says('arm64', `${reason} because`)),
        ),
      })
      .map(({ name, container, ...more }) => pod(name, [container], more)),
    { maxLength: 4 },
  ),
};
const arbitraryCluster: fc.Arbitrary<Cluster> = fc.record(
  {
    emulation: arbitrary.spec.map((spec) => emulationOf(spec)),
    builds: arbitrary.builds,
    daemonSet: fc.oneof(
      arbitrary.architectures.filter(({ length }) => length > 0).map((all) => registering(all)),
      fc.constantFrom(removing(), removing(later(-1000))),
    ),
    nodes: arbitrary.nodes,
    pods: arbitrary.pods,
    shipped: fc.constantFrom(shipped, undefined),
  },
  { requiredKeys: ['nodes', 'pods', 'builds'] },
);

describe('whatever there is', () => {
  test('the same plan, carried out, has nothing to do the second time', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const plan = planIn(cluster);
        const once = applied(cluster, plan);
        const again = planIn(once);
        // What comes next may be another plan: then it is that one’s turn.
        if (again.type !== plan.type) return;
        const { emulation, ...rest } = applied(once, again, later(1));
        expect(rest).toEqual({ ...rest, daemonSet: once.daemonSet });
        // A status follows what it has seen: what a new DaemonSet does shows one turn later.
        if (isDeepStrictEqual(once.daemonSet, cluster.daemonSet)) expect(emulation).toEqual(once.emulation);
      }),
      { numRuns: 500 },
    );
  });

  test('plans carried out end, after five at most, in one that changes nothing', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        let seen = cluster;
        for (let turn = 0; turn < 5; turn += 1) seen = applied(seen, planIn(seen));
        expect(applied(seen, planIn(seen), later(1))).toEqual(seen);
      }),
      { numRuns: 500 },
    );
  });

  test('the status is what the schema of the object allows', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const status = applied(cluster, planIn(cluster)).emulation?.status ?? {};
        expect(nodeEmulationStatusSchema.safeParse(status).error).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('agents are for linux/amd64 alone, and a DaemonSet that removes tolerates every taint', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const plan = planIn(cluster);
        if (plan.type !== 'register' && plan.type !== 'remove') return;
        expect(plan.daemonSet).toMatchObject({
          spec: {
            template: {
              metadata: { labels: { [modeLabel]: plan.type } },
              spec: {
                nodeSelector: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
                ...(plan.type === 'remove' ? { tolerations: [{ operator: 'Exists' }] } : {}),
              },
            },
          },
        });
      }),
    );
  });
});
