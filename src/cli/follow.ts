import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import { edgeBuilds } from '../edgebuild/kinds.ts';
import type { Client } from '../kube/client.ts';
import { keyOf } from '../kube/objects.ts';
import { watchKind } from '../kube/watcher.ts';

/** Which EdgeBuilds. */
export interface Which {
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined;
  /** Undefined: all. */
  readonly name: string | undefined;
}

/** By name alone, so that a right to that one object is enough. */
const selectorOf = ({ name }: Which): { readonly fieldSelector?: string } =>
  name === undefined ? {} : { fieldSelector: `metadata.name=${name}` };

/** A person waits for it. */
const deadlineMs = 15_000;

/** @throws ApiError: 404 where the cluster has no such kind. */
export const findEdgeBuilds = async (
  client: Client,
  which: Which,
  signal: AbortSignal,
): Promise<readonly StoredEdgeBuild[]> => {
  const { namespace } = which;
  const found: StoredEdgeBuild[] = [];
  const options = { namespace, ...selectorOf(which), signal, deadlineMs };
  for await (const page of client.list<StoredEdgeBuild>(edgeBuilds, options)) found.push(...page.items);
  return found;
};

/** What is there now, or why nothing new is heard of it. */
export type Seen =
  { readonly objects: readonly StoredEdgeBuild[] } | { readonly silence: string; readonly retryInMs: number };

/**
 * What is there, again after each change, until `signal` is aborted or the caller has enough.
 *
 * @throws ApiError where it may not be read (any more).
 */
export const followEdgeBuilds = async function* (
  client: Client,
  which: Which,
  signal: AbortSignal,
): AsyncGenerator<Seen, void, undefined> {
  const objects = new Map<string, StoredEdgeBuild>();
  const settings = { namespace: which.namespace, ...selectorOf(which), fieldManager: 'edgebuild-cli' };
  for await (const event of watchKind<StoredEdgeBuild>(client, edgeBuilds, settings, signal)) {
    switch (event.type) {
      case 'listed':
        objects.clear();
        for (const object of event.objects) objects.set(keyOf(object.metadata), object);
        break;
      case 'applied':
        objects.set(keyOf(event.object.metadata), event.object);
        break;
      case 'deleted':
        objects.delete(keyOf(event.object.metadata));
        break;
      case 'bookmark':
        continue;
      case 'interrupted': {
        const { cause, error, retryInMs } = event;
        if (error !== undefined && (cause === 'Forbidden' || cause === 'NotServed')) throw error;
        if (error !== undefined) yield { silence: error.message, retryInMs };
        continue;
      }
    }
    yield { objects: [...objects.values()] };
  }
};
