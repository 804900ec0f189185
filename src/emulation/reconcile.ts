import { isDeepStrictEqual } from 'node:util';
import { apiVersion } from '../api/edgebuild.ts';
import { nodeEmulationKind, nodeEmulationName, type NodeEmulationStatus } from '../api/node-emulation.ts';
import type { Client } from '../kube/client.ts';
import { ApiError, isInvalid, isNotFound } from '../kube/errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Request } from '../runtime/controller.ts';
import { createApply, pinned } from '../runtime/apply.ts';
import type { RecordEvent } from '../runtime/events.ts';
import { again, done, type Outcome, terminal, waiting } from '../runtime/outcome.ts';
import { daemonSets, nodeEmulations, type StoredNodeEmulation } from './kinds.ts';
import { type AgentImage, type EmulationCaches, observe, type Observed } from './observe.ts';
import { type Plan, planOf } from './plan.ts';
import { statusOf } from './status.ts';

export interface EmulationSettings {
  readonly caches: EmulationCaches;
  readonly shipped: AgentImage | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: () => string;
  readonly record: RecordEvent;
  /** Told what the status is going to be, each time. */
  readonly onStatus: (status: NodeEmulationStatus | undefined) => void;
}

export type EmulationRequest = Omit<Request<StoredNodeEmulation>, 'object'> & {
  /** Undefined: there is none. */
  readonly object: StoredNodeEmulation | undefined;
};

/** Brings the nodes nearer to what the one NodeEmulation, or its absence, says: observe, plan, apply, report. */
export const createReconcile = ({ caches, shipped, now, record, onStatus }: EmulationSettings) => {
  const apply = createApply();

  const applyDaemonSet = async (
    client: Client,
    { daemonSet }: Observed,
    desired: KubeObject,
  ): Promise<string | undefined> => {
    if (daemonSet !== undefined && apply.isAtRest(desired, daemonSet.live)) return undefined;
    try {
      const target = daemonSet === undefined ? desired : pinned(desired, daemonSet.live);
      await apply.applyTo(client, caches.daemonSets, target);
      return undefined;
    } catch (error) {
      if (error instanceof ApiError && (isInvalid(error) || error.code === 403 || error.code === 404))
        return error.message;
      throw error;
    }
  };

  return async ({ object, client, log }: EmulationRequest): Promise<Outcome> => {
    const observed = observe(object, caches, shipped);
    const plan = planOf(observed, now());

    let refusal: string | undefined;
    if (plan.type === 'create') caches.nodeEmulations.learn(await client.create(nodeEmulations, asDefault));
    if (plan.type === 'register' || plan.type === 'remove')
      refusal = await applyDaemonSet(client, observed, plan.daemonSet);

    const status = object === undefined ? undefined : statusOf(observed, plan, refusal, now());
    onStatus(status);
    if (object !== undefined && status !== undefined && !isDeepStrictEqual(status, object.status)) {
      const { name, uid, resourceVersion } = object.metadata;
      const metadata = { name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      caches.nodeEmulations.learn(
        await client.patchStatus(nodeEmulations, { apiVersion, kind: nodeEmulationKind, metadata, status }),
      );
    }
    if (plan.type === 'clear') {
      // After the status: without a DaemonSet, and without a status that says so, removal would begin anew.
      await remove(client, observed.daemonSet?.live);
      const words = removalWords(plan.unreached);
      log.info(words, { unreached: plan.unreached });
      const type = plan.unreached.length > 0 ? 'Warning' : 'Normal';
      await record(client, object ?? asDefault, { type, reason: 'Removed', action: 'Remove', note: words });
    }
    return outcomeOf(plan, refusal);
  };
};

const asDefault = {
  apiVersion,
  kind: nodeEmulationKind,
  metadata: { name: nodeEmulationName },
  spec: {},
} as const;

const remove = async (client: Client, live: KubeObject | undefined): Promise<void> => {
  if (live === undefined) return;
  try {
    // By uid alone: its status changes all the time.
    await client.delete(daemonSets, live.metadata, { uid: live.metadata.uid });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
};

const removalWords = (unreached: readonly string[]): string =>
  unreached.length === 0
    ? 'nothing of EdgeBuild is left on the nodes'
    : `could not be reached, and may have handlers still: ${unreached.slice(0, 20).join(', ')}`;

/** What the API server refuses now, for a missing namespace or a quota for instance, no watch of ours tells of. */
const refusedMs = 20_000;

const outcomeOf = (plan: Plan, refusal: string | undefined): Outcome => {
  switch (plan.type) {
    case 'refuse':
      return terminal(plan.reason);
    case 'register':
      return refusal === undefined ? waiting('agents') : again(refusedMs);
    case 'remove':
      return again(Math.max(1000, plan.endsInMs));
    case 'rest':
    case 'watch':
    case 'create':
    case 'clear':
      return done;
  }
};
