import type { EmulatedName } from '../api/architecture-names.ts';
import type { NodeEmulationSpec } from '../api/node-emulation.ts';
import type { EmulationReason } from '../api/node-emulation-words.ts';
import type { KubeObject } from '../kube/objects.ts';
import { platformSelector, registeringDaemonSet, removingDaemonSet } from './desired/daemon-set.ts';
import { matches, type Observed, reachable } from './observe.ts';

/** What is to be done now. */
export type Plan =
  /** Nothing is asked for, and nothing of ours is there. */
  | { readonly type: 'rest'; readonly reason: 'NotNeeded' | 'Removed' }
  | { readonly type: 'watch' }
  /** A person must act. */
  | { readonly type: 'refuse'; readonly reason: EmulationReason; readonly message: string }
  /** There is no NodeEmulation, and something needs one. */
  | { readonly type: 'create' }
  | {
      readonly type: 'register';
      readonly image: string;
      readonly architectures: readonly EmulatedName[];
      readonly daemonSet: KubeObject;
    }
  | {
      readonly type: 'remove';
      readonly image: string;
      readonly daemonSet: KubeObject;
      /** Nodes that have not said yet that they are as before. */
      readonly left: readonly string[];
      /** When it ends, whatever is left; in milliseconds from now. */
      readonly endsInMs: number;
    }
  /** Removal is over: the DaemonSet goes. */
  | {
      readonly type: 'clear';
      readonly reason: 'NotNeeded' | 'Removed' | 'NotRemoved';
      readonly unreached: readonly string[];
    };

/** How long removal waits for nodes. A node that is not Ready is not waited for at all. */
export const removalMs = 120_000;

/**
 * What to do about what is observed. Nothing is remembered between two calls: what was begun stands on the DaemonSet,
 * what is over on the status.
 *
 * @param now RFC 3339.
 */
export const planOf = (observed: Observed, now: string): Plan => {
  const { emulation, unreadable, fault, needed, daemonSet } = observed;
  if (unreadable !== undefined)
    return { type: 'refuse', reason: 'NotReadable', message: `${unreadable}: give the operator that right` };
  if (emulation === undefined) {
    if (needed.length > 0) return { type: 'create' };
    return daemonSet === undefined ? { type: 'rest', reason: 'Removed' } : remove(observed, now, 'Removed');
  }
  const { spec, status, generation } = emulation;
  if (fault !== undefined) return { type: 'refuse', reason: 'InvalidSpec', message: `${fault}: correct it` };
  switch (spec.managementState) {
    case 'Unmanaged':
      return { type: 'watch' };
    case 'Removed': {
      const last = status?.conditions?.find(({ type }) => type === 'Ready');
      const isOver = last?.reason === 'Removed' || last?.reason === 'NotRemoved';
      if (daemonSet === undefined && isOver && last.observedGeneration === generation)
        return { type: 'rest', reason: 'Removed' };
      return remove(observed, now, 'Removed');
    }
    case 'Managed':
      return manage(observed, spec, now);
  }
};

const manage = (observed: Observed, spec: NodeEmulationSpec, now: string): Plan => {
  const { needed, daemonSet } = observed;
  const architectures = [...new Set([...spec.architectures, ...needed])].sort();
  if (architectures.length === 0) {
    if (daemonSet === undefined) return { type: 'rest', reason: 'NotNeeded' };
    return remove(observed, now, 'NotNeeded');
  }
  const image = imageOf(observed);
  if (image === undefined) return imageUnknown;
  const maxUnavailable = maxUnavailableOf(observed, spec);
  return {
    ...{ type: 'register', image, architectures },
    daemonSet: registeringDaemonSet({ image, architectures, spec, maxUnavailable }),
  };
};

/**
 * A node in ten at a time: builds go on meanwhile, for handlers stay when their agent goes. Nodes that are not Ready come on
 * top, or one of them would keep up to ten others from ever getting a new agent. Where agents have removed their handlers
 * there is nothing to go on: all at once.
 */
const maxUnavailableOf = ({ agents, nodes }: Observed, spec: NodeEmulationSpec): number | string => {
  if (agents.some(({ mode, isLeaving }) => mode === 'remove' && !isLeaving)) return '100%';
  const selected = nodes.filter((node) => matches(node, spec.nodeSelector)).length;
  const silent = selected - reachable(nodes, spec.nodeSelector).length;
  return silent === 0 ? '10%' : silent + Math.ceil(selected / 10);
};

const imageUnknown: Plan = {
  type: 'refuse',
  reason: 'AgentImageUnknown',
  message: 'the operator was not told its agent’s image: set spec.image, or AGENT_IMAGE in its Deployment',
};

const imageOf = ({ emulation, shipped }: Observed): string | undefined => {
  const asked = emulation?.spec.image ?? '';
  return asked === '' ? shipped?.image : asked;
};

/**
 * What the spec says now: nodes may have never got the image of the DaemonSet that is there. That one serves where there
 * is no spec any more, for the image that the operator came with may not be had here.
 */
const imageOfRemoval = (observed: Observed): string | undefined => {
  const own = observed.daemonSet?.image;
  return observed.emulation === undefined ? (own ?? imageOf(observed)) : (imageOf(observed) ?? own);
};

/** The DaemonSet itself becomes the one that removes: no new pod starts on a node before the old one is gone. */
const remove = (observed: Observed, now: string, reason: 'NotNeeded' | 'Removed'): Plan => {
  const { daemonSet, emulation, nodes, agents } = observed;
  const image = imageOfRemoval(observed);
  if (image === undefined) return imageUnknown;
  const nodeSelector = daemonSet?.nodeSelector ?? { ...emulation?.spec.nodeSelector, ...platformSelector };
  const done = new Set(agents.flatMap(({ isRemoved, node }) => (isRemoved ? [node] : [])));
  const since = (daemonSet?.mode === 'remove' ? daemonSet.since : undefined) ?? now;
  const left = reachable(nodes, nodeSelector).filter((node) => !done.has(node));
  const endsInMs = Date.parse(since) + removalMs - Date.parse(now);
  const isBegun = daemonSet?.mode === 'remove';
  if (isBegun && (left.length === 0 || endsInMs <= 0)) {
    const unreached = unreachedOf(observed, nodeSelector, done);
    return {
      type: 'clear',
      reason: unreached.length > 0 && reason === 'Removed' ? 'NotRemoved' : reason,
      unreached,
    };
  }
  const desired = removingDaemonSet({ image, nodeSelector, since });
  return { type: 'remove', image, daemonSet: desired, left, endsInMs };
};

const unreachedOf = (
  { nodes }: Observed,
  nodeSelector: Readonly<Record<string, string>>,
  done: ReadonlySet<string>,
): readonly string[] =>
  nodes
    .filter((node) => matches(node, nodeSelector))
    .map(({ metadata }) => metadata.name)
    .filter((name) => !done.has(name))
    .sort();
