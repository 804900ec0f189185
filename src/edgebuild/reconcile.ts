import { isDeepStrictEqual } from 'node:util';
import type { EdgeBuildStatus } from '../api/edgebuild.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Store } from '../kube/store.ts';
import type { Request } from '../runtime/controller.ts';
import { done, type Outcome, terminal, waiting } from '../runtime/outcome.ts';
import { edgeBuilds } from './kinds.ts';
import { observe } from './observe.ts';
import { statusOf } from './status.ts';

/** An EdgeBuild as the API server has it. */
export interface StoredEdgeBuild extends KubeObject {
  readonly spec: object;
  readonly status?: EdgeBuildStatus;
}

export interface EdgeBuildCaches {
  readonly edgeBuilds: Store<StoredEdgeBuild>;
  readonly buildConfigs: Store<KubeObject>;
}

/**
 * Brings one EdgeBuild nearer to what it says, and reports on its status: observe, then write the status if it differs.
 *
 * As long as the operator creates no builds, all that it does is to say what stands in the way.
 *
 * @param now RFC 3339, whole seconds.
 */
export const createReconcile =
  (caches: EdgeBuildCaches, now: () => string) =>
  async ({ object, client }: Request<StoredEdgeBuild>): Promise<Outcome> => {
    const { metadata } = object;
    if (metadata.deletionTimestamp !== undefined) return done;

    const facts = observe(object, metadata.generation ?? 0, { buildApi: caches.buildConfigs.unavailable() });
    const status = statusOf(facts, object.status, now());

    if (!isDeepStrictEqual(status, object.status)) {
      // With both, the server answers 409 to a status of an object that is another one by now, or has changed.
      const { name, namespace, uid, resourceVersion } = metadata;
      const identity = {
        ...{ name, ...(namespace && { namespace }) },
        ...{ ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
      };
      const { apiVersion, kind } = object;
      caches.edgeBuilds.learn(
        await client.patchStatus(edgeBuilds, { apiVersion, kind, metadata: identity, status }),
      );
    }
    if (facts.refusal !== undefined) return terminal(facts.refusal.reason);
    return waiting('builds on the cluster');
  };
