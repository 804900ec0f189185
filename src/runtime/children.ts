import type { Client } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { type Key, keyOf, type KubeObject, type OwnerReference, resourceOf } from '../kube/objects.ts';
import { ageMsOf, ownedFieldsOf } from '../kube/received.ts';
import type { Store } from '../kube/store.ts';
import { createApply, pinned } from './apply.ts';

/** A child as it should be: only the fields that are ours. Owner and namespace are added to it. */
export interface Desired {
  readonly store: Store<KubeObject>;
  readonly object: KubeObject;
}

/** An object of the name that a child would have belongs to somebody else. It is left alone. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
  readonly key: Key;
  readonly resource: string;

  constructor(resource: string, key: Key, owner: string) {
    super(`${resource} ${key} exists and belongs to ${owner}`);
    this.key = key;
    this.resource = resource;
  }
}

/** The owner in the cache is not the one that the server has: it was deleted, and perhaps made anew. */
export class OwnerGone extends Error {
  override readonly name = 'OwnerGone';
}

/**
 * Makes the children of `owner` what `desired` says, and deletes its other children in the given stores.
 *
 * - Costs nothing at rest: whether a child is as it should be is decided from the cache (see drift.ts).
 * - Never takes over an object of somebody else. A child whose ownerReference was removed by hand is still ours.
 * - A cache that lags does no harm. What is changed or deleted must still have the uid and the resourceVersion that the
 *   cache has, else the server answers 409. Before a child is created, or claimed, the owner is read from the server
 *   once if the cache has not got it within the last `freshMs`: else an object of the same name, made since, would lose
 *   its children to us, or an owner whose deletion was missed would get its children again and again.
 *
 * @throws NameTaken, OwnerGone, ApiError.
 */
export type ApplyChildren = (call: {
  readonly client: Client;
  readonly owner: Store<KubeObject>;
  readonly object: KubeObject;
  readonly desired: readonly Desired[];
  /** Where children of this owner may be that are not desired any more. */
  readonly stores: readonly Store<KubeObject>[];
}) => Promise<void>;

export interface ApplyChildrenSettings {
  /** For so long an owner is believed to be there, in milliseconds: some thousand can be visited after a start. */
  readonly freshMs?: number;
}

export const createApplyChildren = ({ freshMs = 20_000 }: ApplyChildrenSettings = {}): ApplyChildren => {
  const { isAtRest, applyTo } = createApply();

  return async ({ client, owner, object, desired, stores }) => {
    const wanted = desired.map((one) => ({ store: one.store, child: withOwner(one.object, owner, object) }));
    const todo = wanted.flatMap(({ store, child }) => {
      const live = store.get(keyOf(child.metadata));
      if (live === undefined) return [{ store, child, isOurs: false }];
      const isOurs = mayClaim(live, object, resourceOf(store.kind));
      return isOurs && isAtRest(child, live) ? [] : [{ store, child: pinned(child, live), isOurs }];
    });
    if (todo.some(({ isOurs }) => !isOurs) && ageMsOf(object) > freshMs)
      await mustBeCurrent(client, owner, object);
    await Promise.all(todo.map(({ store, child }) => applyTo(client, store, child)));
    await Promise.all(
      surplus(object, wanted, stores).map(({ store, child }) => remove(client, store, child)),
    );
  };
};

const withOwner = (child: KubeObject, owner: Store<KubeObject>, object: KubeObject): KubeObject => {
  const reference: OwnerReference = {
    apiVersion: object.apiVersion,
    kind: owner.kind.kind,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
  const { namespace } = object.metadata;
  return {
    ...child,
    metadata: {
      ...child.metadata,
      ...(namespace === undefined ? {} : { namespace }),
      ownerReferences: [reference],
    },
  };
};

const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

/**
 * Whether a child is the owner's already. False: it was, or it was an earlier owner's of the same name, and it may be
 * claimed if the owner is the one that the server has.
 */
const mayClaim = (live: KubeObject, owner: KubeObject, resource: string): boolean => {
  const controller = controllerOf(live);
  if (controller?.uid === owner.metadata.uid) return true;
  if (controller === undefined && ownedFieldsOf(live) !== undefined) return false;
  if (controller?.kind === owner.kind && controller.name === owner.metadata.name) return false;
  const holder = controller === undefined ? 'nobody' : `${controller.kind} ${controller.name}`;
  throw new NameTaken(resource, keyOf(live.metadata), holder);
};

const mustBeCurrent = async (client: Client, store: Store<KubeObject>, object: KubeObject): Promise<void> => {
  const words = `${resourceOf(store.kind)} ${keyOf(object.metadata)}`;
  try {
    const now = await client.get(store.kind, object.metadata);
    if (now.metadata.uid === object.metadata.uid && now.metadata.deletionTimestamp === undefined) return;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  throw new OwnerGone(`${words} is not the one that the cache has`);
};

const surplus = (
  { metadata }: KubeObject,
  wanted: readonly { readonly store: Store<KubeObject>; readonly child: KubeObject }[],
  stores: readonly Store<KubeObject>[],
) =>
  stores.flatMap((store) =>
    store
      .byIndex('owner', metadata.uid ?? '')
      .filter((child) => controllerOf(child)?.uid === metadata.uid)
      .filter((child) => child.metadata.deletionTimestamp === undefined)
      .filter(
        (child) =>
          !wanted.some((one) => one.store === store && keyOf(one.child.metadata) === keyOf(child.metadata)),
      )
      .map((child) => ({ store, child })),
  );

const remove = async (client: Client, store: Store<KubeObject>, { metadata }: KubeObject): Promise<void> => {
  try {
    await client.delete(store.kind, metadata, {
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
};
