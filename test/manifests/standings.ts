/** EdgeBuilds and NodeEmulations as they can stand, by the product's own status functions, and what GitOps is to say of each. */
import type { NodeEmulationStatus } from '../../src/api/node-emulation.ts';
import { conditionsOf, type Findings } from '../../src/emulation/conditions.ts';
import type { Plan } from '../../src/emulation/plan.ts';
import type { Facts } from '../../src/edgebuild/facts.ts';
import { statusOf } from '../../src/edgebuild/status.ts';
import { factsOf, image, now, platformFacts, specOf } from '../edgebuild/facts.ts';

export interface Standing {
  readonly title: string;
  readonly object: {
    readonly kind: 'EdgeBuild' | 'NodeEmulation';
    readonly metadata: { readonly name: string; readonly generation: number };
    readonly status?: object;
  };
  readonly argocd: 'Healthy' | 'Progressing' | 'Suspended' | 'Degraded';
  /** Of Argo CD. */
  readonly message: string;
  readonly flux: 'Current' | 'InProgress' | 'Failed';
}

type Said = Pick<Standing, 'argocd' | 'message' | 'flux'>;
const healthy = (message: string): Said => ({ argocd: 'Healthy', message, flux: 'Current' });
const progressing = (message: string): Said => ({ argocd: 'Progressing', message, flux: 'InProgress' });
const suspended = (message: string): Said => ({ argocd: 'Suspended', message, flux: 'Current' });
const degraded = (message: string): Said => ({ argocd: 'Degraded', message, flux: 'Failed' });

const edgeBuild = (title: string, facts: Facts, said: Said, generation = facts.generation): Standing => ({
  title: `an EdgeBuild that ${title}`,
  object: {
    kind: 'EdgeBuild',
    metadata: { name: 'web', generation },
    status: statusOf(facts, undefined, now),
  },
  ...said,
});

const waiting = (reason: 'Suspended' | 'WaitingForTrigger' | 'WaitingForNode' | 'BaseImagesPending') =>
  platformFacts({ state: 'Waiting', reason, message: 'why' });
const building = platformFacts({ state: 'Building', reason: 'Building', message: 'building natively' });
const failed = platformFacts({ state: 'Failed', reason: 'OutOfMemory', message: 'why' });
const done = factsOf([platformFacts()], { published: image });
const deploying = { status: 'False', reason: 'DeployProgressing', message: '0 of 1 pods run' } as const;
const deployed = { status: 'True', reason: 'Deployed', message: '1 of 1 pods run' } as const;

/** A message that is hard to carry: quotes, a newline, a character beyond ASCII. */
const hard = 'git "main"\\\n’s not there';

const edgeBuilds: readonly Standing[] = [
  edgeBuild('is published', done, healthy(`Ready: ${image.reference}`)),
  edgeBuild('was changed since', done, progressing('the latest change was not looked at yet'), 4),
  edgeBuild(
    'is published and runs',
    factsOf([platformFacts()], { published: image, deployed }),
    healthy(`Ready: ${image.reference}`),
  ),
  edgeBuild(
    'is being deployed',
    factsOf([platformFacts()], { published: image, deployed: deploying }),
    progressing('DeployProgressing: 0 of 1 pods run'),
  ),
  edgeBuild('is built', factsOf([building]), progressing('Building: linux/arm64: building natively')),
  edgeBuild(
    'is built, and failed for another platform',
    factsOf([failed, { ...building, platform: 'linux/s390x' }]),
    progressing('Building: linux/s390x: building natively'),
  ),
  edgeBuild(
    'is about to be published',
    factsOf([platformFacts()], { isPublishing: true }),
    progressing('Publishing: the tag is about to move'),
  ),
  edgeBuild(
    'waits for base images',
    factsOf([waiting('BaseImagesPending')]),
    progressing('BaseImagesPending: linux/arm64: why'),
  ),
  edgeBuild(
    'waits for a node',
    factsOf([waiting('WaitingForNode')]),
    progressing('WaitingForNode: linux/arm64: why'),
  ),
  edgeBuild('is suspended', factsOf([waiting('Suspended')]), suspended('Suspended: linux/arm64: why')),
  edgeBuild(
    'waits for its trigger',
    factsOf([waiting('WaitingForTrigger')]),
    suspended('WaitingForTrigger: linux/arm64: why'),
  ),
  edgeBuild('failed', factsOf([failed]), degraded('OutOfMemory: linux/arm64: why')),
  edgeBuild(
    'failed for one platform and published the other',
    factsOf([failed, platformFacts({ platform: 'linux/s390x' })], {
      published: image,
      spec: specOf({ publish: 'Succeeded' }),
    }),
    degraded('OutOfMemory: linux/arm64: why'),
  ),
  edgeBuild(
    'was refused',
    factsOf([], { refusal: { reason: 'InvalidSpec', message: hard } }),
    degraded(`InvalidSpec: ${hard}`),
  ),
  edgeBuild(
    'stalls on a name that is taken',
    factsOf([platformFacts()], { blocker: { reason: 'NameConflict', message: 'rename it' } }),
    degraded('NameConflict: rename it'),
  ),
  edgeBuild(
    'could not be published',
    factsOf([platformFacts()], { publishFailure: { reason: 'PublishFailed', message: 'refused' } }),
    degraded('PublishFailed: refused'),
  ),
  edgeBuild(
    'was cancelled',
    factsOf([platformFacts({ state: 'Cancelled', reason: 'Cancelled', message: 'start it again' })]),
    degraded('Cancelled: linux/arm64: start it again'),
  ),
];

const findings = (given: Partial<Findings> = {}): Findings => ({
  ...{ generation: 3, problems: 0, isRolledOut: true, without: 0, refusal: undefined },
  architectures: [{ architecture: 'arm64', readyNodes: 2, desiredNodes: 2 }],
  ...given,
});

const nodeEmulation = (
  title: string,
  plan: Plan,
  found: Findings,
  said: Said,
  generation = found.generation,
): Standing => {
  const status: NodeEmulationStatus = {
    observedGeneration: found.generation,
    conditions: conditionsOf(plan, found, [], now),
  };
  const metadata = { name: 'cluster', generation };
  return { title: `a NodeEmulation that ${title}`, object: { kind: 'NodeEmulation', metadata, status }, ...said };
}; // prettier-ignore

const daemonSet = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent' } };
const register: Plan = { type: 'register', image: 'a', architectures: ['arm64'], daemonSet };
const remove: Plan = { type: 'remove', image: 'a', daemonSet, left: ['one'], endsInMs: 1000 };
const half: Findings['architectures'] = [{ architecture: 'arm64', readyNodes: 1, desiredNodes: 2 }];

const nodeEmulations: readonly Standing[] = [
  nodeEmulation('is proven', register, findings(), healthy('Proven: arm64 2/2')),
  nodeEmulation('was changed since', register, findings(), progressing('the latest change was not looked at yet'), 4),
  nodeEmulation('replaces its agents', register, findings({ isRolledOut: false }), progressing('Starting: arm64 2/2')),
  nodeEmulation('starts', register, findings({ architectures: half }), progressing('Starting: arm64 1/2')),
  nodeEmulation('is not proven on a node', register, findings({ architectures: half, problems: 1 }), degraded('NodesNotProven: arm64 1/2')),
  nodeEmulation('is not needed', { type: 'rest', reason: 'NotNeeded' }, findings(), healthy('NotNeeded: no EdgeBuild needs emulation, and spec.architectures is empty')),
  nodeEmulation('is only watched', { type: 'watch' }, findings(), suspended('Unmanaged: arm64 2/2')),
  nodeEmulation('is refused by the API server', register, findings({ refusal: 'no' }), degraded('AgentRefused: no')),
  nodeEmulation('breaks a rule', { type: 'refuse', reason: 'InvalidSpec', message: hard }, findings(), degraded(`InvalidSpec: ${hard}`)),
  nodeEmulation('is being removed', remove, findings(), progressing('Removing: waits for 1 nodes')),
  nodeEmulation('is removed', { type: 'rest', reason: 'Removed' }, findings(), healthy('Removed: nothing of EdgeBuild is left on the nodes')),
]; // prettier-ignore

/** As they are when nobody has looked at them, or only half of a status is there. */
const unseen: readonly Standing[] = (['EdgeBuild', 'NodeEmulation'] as const).flatMap((kind) =>
  [undefined, {}, { observedGeneration: 1 }, { observedGeneration: 1, conditions: [] }].map((status) => ({
    title: `${kind} with ${status === undefined ? 'no status' : `the status ${JSON.stringify(status)}`}`,
    object: { kind, metadata: { name: 'x', generation: 1 }, ...(status === undefined ? {} : { status }) },
    ...progressing('not looked at yet'),
  })),
);

export const standings: readonly Standing[] = [...edgeBuilds, ...nodeEmulations, ...unseen];
