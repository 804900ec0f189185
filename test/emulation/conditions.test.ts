import { describe, expect, test } from '@jest/globals';
import { conditionsOf, type Findings } from '../../src/emulation/conditions.ts';
import type { Plan } from '../../src/emulation/plan.ts';
import { now } from './cluster.ts';

const counts = (readyNodes: number, desiredNodes: number): Findings['architectures'] => [
  { architecture: 'arm64', readyNodes, desiredNodes },
];
const found = (given: Partial<Findings> = {}): Findings => ({
  ...{ generation: 3, architectures: counts(2, 2), problems: 0, isRolledOut: true, without: 0 },
  refusal: undefined,
  ...given,
});
const daemonSet = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent' } };
const register: Plan = { type: 'register', image: 'a', architectures: ['arm64'], daemonSet };
const removing = (left: readonly string[]): Plan => ({
  ...{ type: 'remove', image: 'a', daemonSet, left, endsInMs: 1000 },
});
const clear = (reason: 'NotNeeded' | 'Removed' | 'NotRemoved', unreached: readonly string[] = []): Plan => ({
  ...{ type: 'clear', reason, unreached },
});

/** "True Proven: arm64 2/2" */
const of = (plan: Plan, findings: Findings): Readonly<Record<string, string>> =>
  Object.fromEntries(
    conditionsOf(plan, findings, [], now).map(({ type, status, reason, message }) => [
      type,
      `${status} ${reason}: ${message}`,
    ]),
  );

describe('each condition covers every case', () => {
  const nobody = 'nothing waits for a person';
  const idle = 'nothing is under way';
  const notNeeded = 'no EdgeBuild needs emulation, and spec.architectures is empty';
  const gone = 'nothing of EdgeBuild is left on the nodes';
  const noNodes = 'no node is of linux/amd64 and matches spec.nodeSelector';
  test.each<[string, Plan, Findings, { Ready: string; Reconciling: string; Stalled: string }]>([
    ['nothing is needed', { type: 'rest', reason: 'NotNeeded' }, found({ architectures: [] }), {
      Ready: `True NotNeeded: ${notNeeded}`, Reconciling: `False NotNeeded: ${idle}`, Stalled: `False NotNeeded: ${nobody}` }],
    ['all was removed', { type: 'rest', reason: 'Removed' }, found({ architectures: [] }), {
      Ready: `True Removed: ${gone}`, Reconciling: `False Removed: ${idle}`, Stalled: `False Removed: ${nobody}` }],
    ['it is only watched', { type: 'watch' }, found({ architectures: counts(1, 2) }), {
      Ready: 'Unknown Unmanaged: arm64 1/2', Reconciling: 'False Unmanaged: arm64 1/2', Stalled: 'False Unmanaged: arm64 1/2' }],
    ['the spec is none', { type: 'refuse', reason: 'InvalidSpec', message: 'spec.x: correct it' }, found(), {
      Ready: 'False InvalidSpec: spec.x: correct it', Reconciling: 'False InvalidSpec: spec.x: correct it', Stalled: 'True InvalidSpec: spec.x: correct it' }],
    ['no image is known', { type: 'refuse', reason: 'AgentImageUnknown', message: 'set it' }, found(), {
      Ready: 'False AgentImageUnknown: set it', Reconciling: 'False AgentImageUnknown: set it', Stalled: 'True AgentImageUnknown: set it' }],
    ['it is being created', { type: 'create' }, found({ architectures: [] }), {
      Ready: 'False Starting: being created', Reconciling: 'True Starting: being created', Stalled: 'False Starting: being created' }],
    ['every node proves it', register, found(), {
      Ready: 'True Proven: arm64 2/2', Reconciling: `False Proven: ${idle}`, Stalled: `False Proven: ${nobody}` }],
    ['every node proves it while agents are replaced', register, found({ isRolledOut: false }), {
      Ready: 'True Proven: arm64 2/2', Reconciling: 'True Starting: arm64 2/2', Stalled: `False Proven: ${nobody}` }],
    ['agents start', register, found({ architectures: counts(1, 2) }), {
      Ready: 'False Starting: arm64 1/2', Reconciling: 'True Starting: arm64 1/2', Stalled: 'False Starting: arm64 1/2' }],
    ['the DaemonSet was not looked at yet', register, found({ architectures: counts(0, 0), isRolledOut: false }), {
      Ready: 'False Starting: arm64 0/0', Reconciling: 'True Starting: arm64 0/0', Stalled: 'False Starting: arm64 0/0' }],
    ['no node is selected', register, found({ architectures: counts(0, 0) }), {
      Ready: `False NoNodes: ${noNodes}`, Reconciling: `False NoNodes: ${noNodes}`, Stalled: `True NoNodes: ${noNodes}` }],
    ['a node says why it does not', register, found({ architectures: counts(1, 2), problems: 1 }), {
      Ready: 'False NodesNotProven: arm64 1/2', Reconciling: 'False NodesNotProven: arm64 1/2', Stalled: 'False NodesNotProven: arm64 1/2' }],
    ['a node has a problem although all are counted', register, found({ problems: 1 }), {
      Ready: 'False NodesNotProven: arm64 2/2', Reconciling: 'False NodesNotProven: arm64 2/2', Stalled: 'False NodesNotProven: arm64 2/2' }],
    ['the API server does not take the DaemonSet', register, found({ refusal: 'no such namespace' }), {
      Ready: 'False AgentRefused: no such namespace', Reconciling: 'False AgentRefused: no such namespace', Stalled: 'True AgentRefused: no such namespace' }],
    ['it is being removed', removing(['one', 'two']), found({ architectures: [] }), {
      Ready: 'False Removing: waits for 2 nodes', Reconciling: 'True Removing: waits for 2 nodes', Stalled: 'False Removing: waits for 2 nodes' }],
    ['removal is over', clear('Removed'), found({ architectures: [] }), {
      Ready: `True Removed: ${gone}`, Reconciling: `False Removed: ${idle}`, Stalled: `False Removed: ${nobody}` }],
    ['what nobody needs is gone', clear('NotNeeded', ['one']), found({ architectures: [] }), {
      Ready: `True NotNeeded: ${notNeeded}`, Reconciling: `False NotNeeded: ${idle}`, Stalled: `False NotNeeded: ${nobody}` }],
    ['a node was not reached', clear('NotRemoved', ['one']), found({ architectures: [] }), {
      Ready: 'False NotRemoved: not reached: one', Reconciling: 'False NotRemoved: not reached: one', Stalled: 'True NotRemoved: not reached: one' }],
  ])('%s', (_what, plan, findings, conditions) => {
    expect(of(plan, findings)).toEqual(conditions);
  }); // prettier-ignore

  test('nodes without agent are counted, with the command that says why', () => {
    const { Ready } = of(register, found({ architectures: counts(1, 4), without: 3 }));
    expect(Ready).toBe(
      'False Starting: arm64 1/4; 3 nodes without agent: see kubectl describe daemonset --namespace=edgebuild-node',
    );
  });

  test('of many nodes that were not reached five are named', () => {
    const { Ready } = of(clear('NotRemoved', ['a', 'b', 'c', 'd', 'e', 'f', 'g']), found());
    expect(Ready).toBe('False NotRemoved: not reached: a, b, c, d, e and 2 more');
  });

  test('every architecture counts', () => {
    const architectures = [...counts(2, 2), { architecture: 's390x', readyNodes: 1, desiredNodes: 2 }];
    expect(of(register, found({ architectures }))['Ready']).toBe('False Starting: arm64 2/2, s390x 1/2');
  });
});

describe('a condition', () => {
  test('is about the generation that was looked at', () => {
    for (const { observedGeneration } of conditionsOf(register, found({ generation: 7 }), [], now))
      expect(observedGeneration).toBe(7);
  });

  test('keeps its time while its status is the same, whatever its reason and message become', () => {
    const before = conditionsOf(register, found({ architectures: counts(0, 2) }), [], '2020-01-01T00:00:00Z');
    const after = conditionsOf(register, found({ architectures: counts(1, 2), problems: 1 }), before, now);
    const times = Object.fromEntries(after.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
    // Reconciling was True while agents started, and is False now that a node has said why it fails.
    expect(times).toEqual({
      Ready: '2020-01-01T00:00:00Z',
      Reconciling: now,
      Stalled: '2020-01-01T00:00:00Z',
    });
  });
});
