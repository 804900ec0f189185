import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emulatedNames, type EmulatedName } from '../../src/api/architecture-names.ts';
import { problemReasons } from '../../src/api/node-emulation-words.ts';
import { agentOf, provenOn } from '../../src/emulation/agents.ts';
import { proverOf } from '../../src/emulation/desired/daemon-set.ts';
import type { ContainerStatus, Node, Pod } from '../../src/emulation/kinds.ts';
import { labelChanges, labelOf, labelPrefix } from '../../src/emulation/labels.ts';
import { problemsOf } from '../../src/emulation/problems.ts';
import { node, now, pod, proves, removed, says, starts } from './cluster.ts';

const agent: ContainerStatus = { name: 'agent', ready: true, state: { running: {} } };
const standing = (container: ContainerStatus): unknown =>
  agentOf(pod('one', [agent, container]))?.standings.get('arm64');

describe('what an architecture’s prover says', () => {
  const message = 'because';
  const HandlerForeign = { reason: 'HandlerForeign', message };
  test.each<[string, ContainerStatus, unknown]>([
    ['it is ready', proves('arm64'), 'Proven'],
    ['it is ready again after it had failed', { ...says('arm64', 'HandlerForeign because'), ready: true }, 'Proven'],
    ['it runs, and has said nothing', starts('arm64'), 'Starting'],
    ['it waits to be started', { ...starts('arm64'), state: { waiting: { reason: 'ContainerCreating' } } }, 'Starting'],
    ['it was started again after it had said why', says('arm64', 'HandlerForeign because'), HandlerForeign],
    ['it waits to be started again after it had said why', { ...says('arm64', 'HandlerForeign because'), state: { waiting: { reason: 'CrashLoopBackOff' } } }, HandlerForeign],
    ['it has just ended, whatever it said before', { ...says('arm64', 'Disabled x'), state: { terminated: { exitCode: 1, message: 'HandlerForeign because' } } }, HandlerForeign],
    ['it was killed, which says nothing, and before that it had said why', { ...says('arm64', 'HandlerForeign because'), state: { terminated: { exitCode: 137, message: '' } } }, HandlerForeign],
    ['it was killed with half a message', says('arm64', 'HandlerForeign because', 137), 'Starting'],
    ['it ended without a message', says('arm64', ''), 'Starting'],
    ['it ended with a word that is no reason', says('arm64', 'Segmentation fault'), 'Starting'],
    ['it ended with a reason alone', says('arm64', 'HandlerForeign'), 'Starting'],
    ['it ended with a message of two lines', says('arm64', 'HandlerForeign because\nof this'), { reason: 'HandlerForeign', message: 'because\nof this' }],
  ])('%s', (_what, container, expected) => {
    expect(standing(container)).toEqual(expected);
  }); // prettier-ignore

  test('a word that every object in JavaScript has is no reason', () => {
    expect(standing(says('arm64', 'constructor because'))).toBe('Starting');
  });

  test('every reason is understood', () => {
    for (const reason of Object.keys(problemReasons))
      expect(standing(says('arm64', `${reason} what to do`))).toEqual({ reason, message: 'what to do' });
  });

  test('architectures do not mix, whatever their names are', () => {
    const facts = agentOf(pod('one', [agent, ...emulatedNames.map(proves)]));
    expect([...(facts?.standings.keys() ?? [])]).toEqual([...emulatedNames]);
    expect(new Set(emulatedNames.map(proverOf)).size).toBe(emulatedNames.length);
  });
});

describe('what an agent’s pod says', () => {
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['one'] }] }],
      },
    },
  };
  test.each<[string, Pod, object | undefined]>([
    ['nothing where it is for no node', pod(undefined, []), undefined],
    ['nothing where its affinity names none', pod(undefined, [], { spec: { affinity: { nodeAffinity: {} } } }), undefined],
    ['for which node it is before it is bound', pod(undefined, [], { spec: { affinity } }), { node: 'one' }],
    ['for which node it is', pod('one', []), { node: 'one', mode: 'register', isLeaving: false, isRemoved: false }],
    ['that it takes away', pod('one', [], { mode: 'remove' }), { mode: 'remove', isRemoved: false }],
    ['that all was taken away', pod('one', [removed], { mode: 'remove' }), { isRemoved: true }],
    ['not that all was, while that container is not ready', pod('one', [{ ...removed, ready: false }], { mode: 'remove' }), { isRemoved: false }],
    ['that it leaves', pod('one', [], { metadata: { deletionTimestamp: now } }), { isLeaving: true }],
    ['nothing of a trouble while it starts', pod('one', [{ ...agent, ready: false, state: { waiting: { reason: 'ContainerCreating' } } }]), { trouble: undefined }],
    ['nothing of a trouble when a prover fails', pod('one', [agent, says('arm64', 'Disabled x')]), { trouble: undefined }],
  ])('%s', (_what, given, expected) => {
    const facts = agentOf(given);
    if (expected === undefined) expect(facts).toBeUndefined();
    else expect(facts).toMatchObject(expected);
  }); // prettier-ignore

  const ended = { exitCode: 2, message: 'no architecture z80\n' };
  test.each<[string, Pod, RegExp]>([
    ['it cannot be scheduled', pod('one', [], { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] } }), /^the agent cannot be scheduled: 0\/1 nodes$/],
    ['its node has evicted it', pod('one', [], { status: { phase: 'Failed', reason: 'Evicted', message: 'disk full' } }), /^the agent was ended by its node: Evicted disk full$/],
    ['its image cannot be had', pod('one', [{ ...agent, ready: false, state: { waiting: { reason: 'ErrImagePull', message: 'no such host' } } }]), /^agent waits: ErrImagePull no such host$/],
    ['it has ended', pod('one', [{ ...agent, ready: false, state: { terminated: ended } }]), /^agent ended with exit code 2: no architecture z80; kubectl logs --namespace=edgebuild-node agent-one/],
    ['it ends again and again', pod('one', [{ ...agent, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: ended } }]), /^agent ended with exit code 2: no architecture z80;/],
    ['removal fails', pod('one', [], { mode: 'remove', status: { initContainerStatuses: [{ name: 'remove', state: { terminated: { exitCode: 1, message: 'busy' } } }] } }), /^remove ended with exit code 1: busy;/],
  ])('says why the agent does not run when %s', (_what, given, message) => {
    const trouble = agentOf(given)?.trouble;
    expect(trouble?.reason).toBe('AgentNotRunning');
    expect(trouble?.message).toMatch(message);
  }); // prettier-ignore

  test('an agent that runs again after a failure is no trouble', () => {
    const again = { ...agent, lastState: { terminated: { exitCode: 137 } } };
    expect(agentOf(pod('one', [again]))?.trouble).toBeUndefined();
  });
});

const provenBy = (one: Node, ...pods: readonly Pod[]): readonly EmulatedName[] => [
  ...provenOn(one, pods.flatMap((each) => agentOf(each) ?? [])),
]; // prettier-ignore

describe('what is proven on a node', () => {
  const proving = pod('one', [agent, proves('arm64'), starts('s390x')]);
  const leaving = pod('one', [proves('arm64')], { metadata: { deletionTimestamp: now } });
  test.each<[string, readonly EmulatedName[], readonly EmulatedName[]]>([
    ['what its agent proves', provenBy(node('one'), proving), ['arm64']],
    ['nothing of what another node’s agent proves', provenBy(node('two'), proving), []],
    ['nothing on a node that is not Ready', provenBy(node('one', false), proving), []],
    ['nothing that an agent proves which leaves', provenBy(node('one'), leaving), []],
    ['what the next agent proves while the one before leaves', provenBy(node('one'), leaving, proving), ['arm64']],
    ['nothing without an agent', provenBy(node('one')), []],
    ['nothing where the agent itself does not run, but what its provers prove', provenBy(node('one'), pod('one', [{ ...agent, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } }, proves('arm64')])), ['arm64']],
  ])('is %s', (_what, seen, expected) => {
    expect(seen).toEqual(expected);
  }); // prettier-ignore
});

describe('the labels of a node', () => {
  const with_ = (labels: Readonly<Record<string, string>>): Node => node('one', true, labels);
  const arm64 = labelOf('arm64');
  test.each<[string, Node, readonly EmulatedName[], object | undefined]>([
    ['come where something is proven', with_({}), ['arm64'], { [arm64]: 'ready' }],
    ['stay where they are right', with_({ [arm64]: 'ready' }), ['arm64'], undefined],
    ['go where nothing is proven', with_({ [arm64]: 'ready' }), [], { [arm64]: null }],
    ['are put right where somebody changed them', with_({ [arm64]: 'no' }), ['arm64'], { [arm64]: 'ready' }],
    ['go where somebody put one for what is no architecture', with_({ [`${labelPrefix}z80`]: 'ready' }), [], { [`${labelPrefix}z80`]: null }],
    ['of others are left alone', with_({ zone: 'a', 'emulation.edgebuild.io.other/a': '1' }), [], undefined],
    ['come and go at once', with_({ [labelOf('arm')]: 'ready' }), ['arm64'], { [arm64]: 'ready', [labelOf('arm')]: null }],
  ])('%s', (_what, one, proven, changes) => {
    expect(labelChanges(one, new Set(proven))).toEqual(changes);
  }); // prettier-ignore

  test('once they are changed there is nothing to change, and those of others are as they were', () => {
    const name = fc.constantFrom(...emulatedNames);
    const key = fc.oneof(
      name.map(labelOf),
      fc.constantFrom('zone', 'kubernetes.io/hostname', `${labelPrefix}z80`),
    );
    const labels = fc.dictionary(key, fc.constantFrom('ready', 'no', ''));
    fc.assert(
      fc.property(labels, fc.uniqueArray(name), (before, proven) => {
        const changes = labelChanges(with_(before), new Set(proven)) ?? {};
        const after = Object.fromEntries(
          Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null),
        ) as Record<string, string>;
        expect(labelChanges(with_(after), new Set(proven))).toBeUndefined();
        const split = (all: object, isOurs: boolean): readonly string[] =>
          Object.keys(all)
            .filter((one) => one.startsWith(labelPrefix) === isOurs)
            .sort();
        expect(split(after, true)).toEqual(proven.map(labelOf).sort());
        expect(split(after, false)).toEqual(split(before, false));
      }),
    );
  });
});

describe('the problems of nodes', () => {
  const facts = (...pods: readonly Pod[]) => pods.flatMap((each) => agentOf(each) ?? []);
  test('are sorted by node and architecture, of those that were asked for, and none of agents that leave', () => {
    const agents = facts(
      pod('two', [says('s390x', 'Disabled b'), says('arm64', 'Disabled a'), says('mips', 'Disabled c')]),
      pod('one', [agent, proves('arm64'), says('s390x', 'NoSpace d')]),
      pod('one', [says('arm64', 'Disabled e')], { metadata: { deletionTimestamp: now } }),
    );
    const nodes = ['one', 'two'].map((name) => node(name));
    expect(problemsOf({ agents, nodes }, ['arm64', 's390x'])).toEqual([
      { node: 'one', architecture: 's390x', reason: 'NoSpace', message: 'd' },
      { node: 'two', architecture: 'arm64', reason: 'Disabled', message: 'a' },
      { node: 'two', architecture: 's390x', reason: 'Disabled', message: 'b' },
    ]);
  });

  test('of a node that is not Ready there is one, whatever its agent said last', () => {
    const agents = facts(pod('one', [says('arm64', 'Disabled a')]));
    expect(problemsOf({ agents, nodes: [node('one', false)] }, ['arm64'])).toMatchObject([
      { node: 'one', reason: 'NodeNotReady' },
    ]);
  });

  test('have messages as long as the object takes', () => {
    const agents = facts(pod('one', [says('arm64', `Disabled ${'x'.repeat(4000)}`)]));
    const [problem] = problemsOf({ agents, nodes: [node('one')] }, ['arm64']);
    expect(problem?.message).toHaveLength(1001);
  });
});
