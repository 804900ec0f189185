import { isDeepStrictEqual } from 'node:util';
import type { Reason } from '../api/conditions.ts';
import type { EdgeBuildStatus } from '../api/edgebuild.ts';
import type { Client } from '../kube/client.ts';
import { ApiError, isInvalid, isNamespaceTerminating } from '../kube/errors.ts';
import type { Key } from '../kube/objects.ts';
import type { Request } from '../runtime/controller.ts';
import { createApplyChildren, NameTaken } from '../runtime/children.ts';
import type { RecordEvent } from '../runtime/events.ts';
import { again, done, type Outcome, terminal, waiting } from '../runtime/outcome.ts';
import { applyOutput, cancelBuild, createReimport, desiredOf, misdirected, startBuild } from './act.ts';
import { happeningsOf } from './happenings.ts';
import { createKnownImages } from './images.ts';
import { edgeBuilds, type StoredEdgeBuild } from './kinds.ts';
import { type EdgeBuildCaches, observe, type Observed } from './observe.ts';
import { type Plan, planOf } from './plan.ts';
import { readImage } from './read-images.ts';
import { type PutIndex, RegistryError } from './registry.ts';
import { statusOf } from './status.ts';

export interface EdgeBuildSettings {
  readonly caches: EdgeBuildCaches;
  /** RFC 3339, whole seconds. */
  readonly now: () => string;
  readonly putIndex: PutIndex;
  readonly record: RecordEvent;
  /** Told of what is seen, each time. */
  readonly onObserved: (observed: Observed, now: string) => void;
}

/**
 * Brings one EdgeBuild nearer to what it says, and reports on its status: observe, plan, apply, report.
 *
 * What a step of it made is not waited for: a watch tells of it, and starts this again.
 */
export const createReconcile = ({ caches, now, putIndex, record, onObserved }: EdgeBuildSettings) => {
  const known = createKnownImages();
  const applyChildren = createApplyChildren();
  const reimport = createReimport();
  /** Those for which OpenShift's API, which can be away alone, has answered 503 the last time. */
  const away = new Set<Key>();

  const look = ({ object }: Request<StoredEdgeBuild>) => {
    const observed = observe(object, caches, known);
    return { observed, plan: planOf(observed, now()) };
  };

  const read = async (
    { object, client, signal }: Request<StoredEdgeBuild>,
    { unread }: Plan,
  ): Promise<void> => {
    const { namespace = '' } = object.metadata;
    await Promise.all(unread.map((one) => readImage(client, namespace, one, known, signal)));
  };

  const act = async ({ object, client, signal }: Request<StoredEdgeBuild>, plan: Plan): Promise<void> => {
    const { namespace = '' } = object.metadata;
    const running = [caches.deployments, caches.services, caches.routes];
    const stores = [caches.imageStreams, caches.buildConfigs, ...(plan.keepsRunning ? [] : running)];
    if (plan.children === undefined) return;
    if (plan.outputStream !== undefined) await applyOutput(client, object, plan.outputStream, caches);
    const desired = desiredOf(plan.children, caches);
    const asked = plan.children.baseStream && misdirected(plan.children.baseStream, namespace, caches);
    await applyChildren({ client, owner: caches.edgeBuilds, object, desired, stores });
    if (plan.children.baseStream !== undefined)
      await reimport(client, object, plan.children.baseStream, plan.reimports, asked);
    await Promise.all(plan.cancels.map((name) => cancelBuild(client, namespace, name)));
    await Promise.all(plan.starts.map((start) => startBuild(client, object, start, caches)));
    if (plan.index !== undefined) await putIndex(plan.index, signal);
  };

  const report = async (
    { object, client }: Request<StoredEdgeBuild>,
    { facts }: Plan,
    refusal: Refusal | undefined,
  ): Promise<void> => {
    const blocker = refusal ?? facts.blocker;
    const publishFailure = refusal?.reason === 'PublishFailed' ? refusal : undefined;
    const known = { ...facts, ...(blocker && { blocker }), ...(publishFailure && { publishFailure }) };
    const status = statusOf(known, object.status, now());
    if (isDeepStrictEqual(status, object.status)) return;
    await writeStatus(client, object, status, caches);
    for (const happening of happeningsOf(status, object.status)) await record(client, object, happening);
  };

  /** Once is nothing to tell: an API that is about to come back, or a moment without it. */
  const isAwayAgain = (key: Key, error: unknown): error is ApiError => {
    if (!(error instanceof ApiError) || error.code !== 503) return false;
    const isAgain = away.has(key);
    away.add(key);
    return isAgain;
  };

  const withoutApi = (observed: Observed, { message }: ApiError): Plan =>
    planOf({ ...observed, unavailable: `${message}: tried again and again` }, now());

  return async (request: Request<StoredEdgeBuild>): Promise<Outcome> => {
    if (request.object.metadata.deletionTimestamp !== undefined) return done;
    let seen = look(request);
    let refusal: Refusal | undefined;
    try {
      // The caches may lag behind what is read: then the next news start this again.
      for (let round = 1; seen.plan.unread.length > 0 && round <= maxRounds; round += 1) {
        await read(request, seen.plan);
        seen = look(request);
      }
      onObserved(seen.observed, now());
      await act(request, seen.plan);
      away.delete(request.key);
    } catch (error) {
      if (isNamespaceTerminating(error)) return terminal('NamespaceTerminating');
      refusal = refusalOf(error);
      if (refusal === undefined) {
        if (isAwayAgain(request.key, error))
          await report(request, withoutApi(seen.observed, error), undefined);
        throw error;
      }
    }
    await report(request, seen.plan, refusal);
    return outcomeOf(seen.plan, refusal);
  };
};

/** An image of a base, of a build, and an index: each may show that another is to be read. */
const maxRounds = 4;

interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

/** What trying again at once does not mend, and a person may have to see to; undefined: it is thrown. */
const refusalOf = (error: unknown): Refusal | undefined => {
  if (error instanceof NameTaken) {
    const message = `${error.message}: rename the EdgeBuild, or delete that object`;
    return { reason: 'NameConflict', message };
  }
  if (error instanceof RegistryError)
    return { reason: 'PublishFailed', message: `${error.message}: tried again; the tag is as it was` };
  const isRefused =
    error instanceof ApiError && (error.code === 403 || error.code === 404 || isInvalid(error));
  return isRefused ? { reason: 'NotAllowed', message: error.message } : undefined;
};

const writeStatus = async (
  client: Client,
  { apiVersion, kind, metadata }: StoredEdgeBuild,
  status: EdgeBuildStatus,
  caches: EdgeBuildCaches,
): Promise<void> => {
  // With both, the server answers 409 to a status of an object that is another one by now, or has changed.
  const { name, namespace, uid, resourceVersion } = metadata;
  const identity = {
    ...{ name, ...(namespace && { namespace }) },
    ...{ ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
  };
  caches.edgeBuilds.learn(
    await client.patchStatus(edgeBuilds, { apiVersion, kind, metadata: identity, status }),
  );
};

/** What an API server refuses now, for a quota or a right, no watch of ours tells of. */
const refusedMs = 20_000;

const outcomeOf = ({ facts, againMs, unread }: Plan, refusal: Refusal | undefined): Outcome => {
  // That a name is free again is told by a watch.
  if (refusal !== undefined)
    return refusal.reason === 'NameConflict' ? terminal(refusal.reason) : again(refusedMs);
  if (facts.refusal !== undefined) return terminal(facts.refusal.reason);
  if (facts.blocker !== undefined) return terminal(facts.blocker.reason);
  if (unread.length > 0) return again(1000);
  if (againMs !== undefined) return again(againMs);
  return facts.platforms.every(({ state }) => state === 'Succeeded') ? done : waiting('builds');
};
