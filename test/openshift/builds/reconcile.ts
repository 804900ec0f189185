/** One Build: what OpenShift's build controller does when something about it has changed. */
import type { Client } from '../../../src/kube/client.ts';
import { isAlreadyExists, isNotFound } from '../../../src/kube/errors.ts';
import { keyOf, type KubeObject, type Name } from '../../../src/kube/objects.ts';
import type { Store } from '../../../src/kube/store.ts';
import { done, type Outcome } from '../../../src/runtime/outcome.ts';
import {
  type Build,
  builds,
  type BuildSpec,
  type Details,
  type ImageStream,
  isOver,
  phaseOf,
  type Pod,
  pods,
} from './kinds.ts';
import { podNameOf } from './names.ts';
import { active, cancelled, completed, podExists, statusAfter, transition, type Update } from './phases.ts';
import { podOf, type PodSettings } from './pod.ts';
import { turnOf } from './policy.ts';
import { resolved } from './resolve.ts';
import { ensureServiceAccount } from './service-account.ts';

export interface Caches {
  readonly builds: Store<Build>;
  readonly pods: Store<Pod>;
  readonly imageStreams: Store<ImageStream>;
  readonly secrets: Store<KubeObject>;
}

export interface Site extends Omit<PodSettings, 'detailsUrl'> {
  readonly client: Client;
  readonly caches: Caches;
  readonly urlOf: (build: Name & { readonly uid: string }) => string;
}

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

const placeOf = ({ metadata: { namespace, name } }: Build): Name => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
});

const isOurs = (pod: Pod, build: Build): boolean =>
  pod.metadata.ownerReferences?.some(({ uid }) => uid === build.metadata.uid) ?? false;

export const reconcileBuild = async (site: Site, build: Build): Promise<Outcome> => {
  if (build.metadata.deletionTimestamp !== undefined) return done;
  const phase = phaseOf(build);
  const found = await podFor(site, build);
  const pod = found !== undefined && isOurs(found, build) ? found : undefined;
  if (isOver(phase)) await write(site, build, completed(build, pod), pod);
  else if (build.status?.cancelled === true) {
    if (found !== undefined) await removePod(site, found);
    await write(site, build, cancelled, undefined);
  } else if (phase === 'New' && found === undefined) await start(site, build);
  else if (phase === 'New' && pod === undefined) await write(site, build, podExists, undefined);
  else {
    const hasSecret = (name: string): boolean =>
      site.caches.secrets.get(keyOf({ ...placeOf(build), name })) !== undefined;
    await write(site, build, active(build, pod, hasSecret), pod);
  }
  return done;
};

/** A cache may not have it yet. */
const podFor = async ({ client, caches }: Site, build: Build): Promise<Pod | undefined> => {
  const name = { ...placeOf(build), name: podNameOf(build.metadata.name) };
  const known = caches.pods.get(keyOf(name));
  if (known !== undefined || isOver(phaseOf(build))) return known;
  return client.get<Pod>(pods, name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
};

const removePod = async ({ client }: Site, { metadata }: Pod): Promise<void> => {
  await client.delete(pods, metadata).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
};

const start = async (site: Site, build: Build): Promise<void> => {
  const { client, caches } = site;
  const turn = turnOf(build, caches.builds.list());
  for (const other of turn.cancels)
    await client.mergePatch(builds, { metadata: placeOf(other), status: { cancelled: true } } as never);
  if (!turn.runs) return;
  const spec = resolved(build, (namespace, name) => caches.imageStreams.get(keyOf({ namespace, name })));
  if ('reason' in spec) {
    const isKnown = build.status?.reason === spec.reason;
    if (!isKnown) await write(site, build, { reason: spec.reason, message: spec.message }, undefined);
    return;
  }
  const secret = await ensureServiceAccount(client, caches.secrets, build);
  const pushSecret = spec.output.pushSecret ?? (spec.output.to === undefined ? undefined : secret);
  await createPod(site, build, withSecrets(spec, secret, pushSecret));
  const reference = spec.output.to?.name;
  const update = { ...transition('Pending'), ...(reference === undefined ? {} : { outputDockerImageReference: reference }) };
  await write(site, build, update, undefined, {
    metadata: { annotations: { 'openshift.io/build.pod-name': podNameOf(build.metadata.name) } },
    ...(pushSecret === undefined ? {} : { spec: { output: { pushSecret } } }),
  });
}; // prettier-ignore

const withSecrets = (spec: BuildSpec, secret: { name: string }, pushSecret: { name: string } | undefined): BuildSpec => ({
  ...spec,
  strategy: { ...spec.strategy, dockerStrategy: { pullSecret: secret, ...spec.strategy.dockerStrategy } },
  output: { ...spec.output, ...(pushSecret === undefined ? {} : { pushSecret }) },
}); // prettier-ignore

const createPod = async (site: Site, build: Build, spec: BuildSpec): Promise<void> => {
  const { metadata } = build;
  const seen: Build = {
    ...{ apiVersion: 'build.openshift.io/v1', kind: 'Build', metadata, spec },
    status: { phase: 'New', ...(spec.output.to === undefined ? {} : { outputDockerImageReference: spec.output.to.name }) },
  };
  const detailsUrl = site.urlOf({ ...placeOf(build), uid: metadata.uid ?? '' });
  await site.client.create(pods, podOf(seen, { ...site, detailsUrl })).catch((error: unknown) => {
    // It is ours if we were interrupted: the next look tells.
    if (!isAlreadyExists(error)) throw error;
  });
}; // prettier-ignore

/** Writes what an update makes of the Build, if it is still as we saw it. */
const write = async (
  { client, caches }: Pick<Site, 'client' | 'caches'>,
  build: Build,
  update: (Update & Partial<Build['status']>) | undefined,
  pod: Pod | undefined,
  more: { readonly metadata?: object; readonly spec?: object } = {},
): Promise<void> => {
  if (update === undefined) return;
  const status = statusAfter(build, update, pod, now());
  const { resourceVersion } = build.metadata;
  const patch = {
    metadata: { ...placeOf(build), resourceVersion, ...more.metadata },
    ...(more.spec === undefined ? {} : { spec: more.spec }),
    // A merge patch removes what is null.
    status: { ...status, reason: status.reason || null, message: status.message || null },
  };
  caches.builds.learn(await client.mergePatch<Build>(builds, patch));
};

/** What a build pod says of its Build. A phase counts only while the Build is under way. */
export const takeDetails = async (
  site: Pick<Site, 'client' | 'caches'>,
  { uid, ...name }: Name & { readonly uid: string },
  details: Details,
): Promise<void> => {
  const build = await site.client.get<Build>(builds, name);
  if (build.metadata.uid !== uid) return;
  const { phase, reason, message, imageDigest, stages = [], revision } = details;
  const known = build.status?.stages ?? [];
  const fails = phase === 'Failed' && !isOver(phaseOf(build));
  // Who speaks runs, though its node may not have said so yet.
  const running = fails ? { ...build, status: statusAfter(build, transition('Running'), undefined, now()) } : build;
  const update = {
    ...(fails ? { phase, reason: reason ?? '', message: message ?? '' } : {}),
    ...(stages.length === 0 ? {} : { stages: [...known, ...stages] }),
    ...(imageDigest === undefined ? {} : { output: { to: { imageDigest } } }),
  };
  await writeDetails(site, running, update, revision === undefined ? {} : { spec: { revision } });
}; // prettier-ignore

/** When it completed, and the rest, is the controller's to say. A conflict is the pod's to repeat. */
const writeDetails = async (
  { client, caches }: Pick<Site, 'client' | 'caches'>,
  build: Build,
  update: Update & Partial<Build['status']>,
  more: { readonly spec?: object },
): Promise<void> => {
  const status = statusAfter(build, update, undefined, now());
  const told = {
    ...{ phase: status.phase, reason: status.reason || null, message: status.message || null },
    ...{ output: status.output, stages: status.stages, conditions: status.conditions },
  };
  const { resourceVersion } = build.metadata;
  const patch = { metadata: { ...placeOf(build), resourceVersion }, ...more, status: told };
  caches.builds.learn(await client.mergePatch<Build>(builds, patch));
};
