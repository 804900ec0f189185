/** What an API server and OpenShift make of what is written: the steps of reconcile.ts, on data. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Deployment } from '../../src/edgebuild/deployment.ts';
import type { Plan } from '../../src/edgebuild/plan.ts';
import { gone } from '../../src/edgebuild/build-verdict.ts';
import { holds } from '../../src/engines/openshift/streams.ts';
import type { Start } from '../../src/edgebuild/platform-context.ts';
import type { Build, BuildConfig, ImageStream, OpenShiftObject } from '../../src/engines/openshift/types.ts';
import { type Cluster, namespace, now, repository, statusAfter } from './cluster.ts';

/** What the registry or an ImageStream holds under `stream:tag` now. */
export const digestAt = ({ imageStreams }: Cluster, stream: string, tag: string): string | undefined =>
  imageStreams
    .find(({ metadata }) => metadata.name === stream)
    ?.status?.tags?.find((one) => one.tag === tag)
    ?.items?.at(0)?.image;

export const hashOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

const replaced = <T extends OpenShiftObject>(all: readonly T[], name: string, next: T): readonly T[] => [
  ...all.filter(({ metadata }) => metadata.name !== name),
  next,
];

/** A tag that moves to an image, whoever moves it. */
export const tagged = (cluster: Cluster, stream: string, tag: string, digest: string, generation = 1): Cluster => {
  const live = cluster.imageStreams.find(({ metadata }) => metadata.name === stream);
  if (live === undefined) throw new Error(`no ImageStream ${stream}`);
  const tags = live.status?.tags ?? [];
  const before = tags.find((one) => one.tag === tag)?.items ?? [];
  const event = { image: digest, generation, dockerImageReference: `${repository}/${stream}@${digest}` };
  const items = before[0]?.image === digest ? before : [event, ...before];
  const status = { ...live.status, tags: [...tags.filter((one) => one.tag !== tag), { tag, items }] };
  return { ...cluster, imageStreams: replaced(cluster.imageStreams, stream, { ...live, status }) };
}; // prettier-ignore

/**
 * Server-side apply of an ImageStream: tags are merged by name, and one that we applied before and do not now goes: here
 * whatever points at an image is ours. A tag that points at an image must find it there.
 */
const withStream = (cluster: Cluster, desired: OpenShiftObject & Pick<ImageStream, 'spec'>): Cluster => {
  const { name } = desired.metadata;
  const live = cluster.imageStreams.find(({ metadata }) => metadata.name === name);
  const ours = desired.spec?.tags ?? [];
  const kept = (live?.spec?.tags ?? []).filter(
    (tag) => tag.from?.kind !== 'ImageStreamImage' && !ours.some((one) => one.name === tag.name),
  );
  const stream: ImageStream = {
    ...desired,
    metadata: { ...desired.metadata, namespace },
    spec: { tags: [...kept, ...ours.map((tag) => ({ ...tag, generation: 1 }))] },
    status: { ...live?.status, dockerImageRepository: `${repository}/${name}` },
  };
  const applied = { ...cluster, imageStreams: replaced(cluster.imageStreams, name, stream) };
  return ours.reduce((next, { name: tag, from }) => {
    if (from?.kind !== 'ImageStreamImage') return next;
    const before = live?.spec?.tags?.find((one) => one.name === tag);
    // What is named as before is left where it is, whatever was pushed meanwhile.
    if (before?.from?.name === from.name) return next;
    const digest = from.name.split('@').at(-1) ?? '';
    if (!holds(live, digest)) throw new Error(`422: spec.tags[${tag}].from.name: "${from.name}": error generating tag event`);
    return tagged(next, name, tag, digest);
  }, applied);
}; // prettier-ignore

const withBuildConfig = (cluster: Cluster, desired: OpenShiftObject): Cluster => {
  const { name } = desired.metadata;
  const live = cluster.buildConfigs.find(({ metadata }) => metadata.name === name);
  const next = {
    ...desired,
    metadata: { ...desired.metadata, namespace },
    status: live?.status ?? { lastVersion: 0 },
  };
  return { ...cluster, buildConfigs: replaced(cluster.buildConfigs, name, next as BuildConfig) };
};

/** POST instantiate. */
export const instantiated = (cluster: Cluster, name: string, attempt = 1): Cluster => {
  const config = cluster.buildConfigs.find(({ metadata }) => metadata.name === name);
  if (config === undefined) throw new Error(`403: no BuildConfig ${name}`);
  const counted = config.status?.lastVersion ?? 0;
  const number = counted + 1;
  const build: Build = {
    ...{ apiVersion: 'build.openshift.io/v1', kind: 'Build' },
    metadata: {
      ...{ name: `${name}-${number}`, namespace, labels: config.metadata.labels ?? {} },
      annotations: { 'openshift.io/build.number': String(number), 'edgebuild.io/attempt': String(attempt) },
      ownerReferences: [{ apiVersion: 'build.openshift.io/v1', kind: 'BuildConfig', name, uid: name, controller: true }],
    },
    spec: config.spec,
    status: { phase: 'New' },
  };
  const next = { ...config, status: { lastVersion: number } };
  return { ...cluster, builds: [...cluster.builds, build], buildConfigs: replaced(cluster.buildConfigs, name, next) };
}; // prettier-ignore

const ours = <T extends OpenShiftObject>(desired: T): T => ({
  ...desired,
  metadata: { ...desired.metadata, namespace },
});

const superseded = (cluster: Cluster, name: string): Cluster => {
  const annotations = { 'edgebuild.io/superseded': 'true' };
  const builds = cluster.builds.map((build) =>
    build.metadata.name === name
      ? {
          ...build,
          metadata: { ...build.metadata, annotations: { ...build.metadata.annotations, ...annotations } },
        }
      : build,
  );
  return ended({ ...cluster, builds }, name, { phase: 'Cancelled' });
};

/** The cluster once a plan has been carried out, in the order of reconcile.ts. @throws what the server refuses. */
export const acted = (cluster: Cluster, plan: Plan, at = now): Cluster => {
  if (plan.unread.length > 0) return plan.unread.reduce(withRead, cluster);
  const reported = { ...cluster, object: { ...cluster.object, status: statusAfter(cluster, plan, at) } };
  const { children } = plan;
  if (children === undefined) return reported;
  let next = plan.outputStream === undefined ? reported : withStream(reported, plan.outputStream);
  if (children.baseStream !== undefined) next = withStream(next, children.baseStream);
  next = children.buildConfigs.reduce(withBuildConfig, next);
  const isWanted = (name: string): boolean =>
    children.buildConfigs.some(({ metadata }) => metadata.name === name);
  next = {
    ...next,
    buildConfigs: next.buildConfigs.filter(({ metadata }) => isWanted(metadata.name)),
    builds: next.builds.filter(({ metadata }) => isWanted(metadata.ownerReferences?.[0]?.name ?? '')),
    ...(plan.keepsRunning ? {} : { deployments: [], services: [], routes: [] }),
    ...(children.deployment && { deployments: [running(ours(children.deployment), cluster)] }),
    ...(children.service && { services: [ours(children.service)] }),
    ...(children.route && { routes: [ours(children.route)] }),
  };
  next = plan.starts.reduce(started, next);
  next = plan.cancels.reduce(superseded, next);
  if (plan.index === undefined) return next;
  const digest = hashOf(JSON.stringify(plan.index.images));
  const index = { architecture: '', children: plan.index.images.map((image) => image.digest) };
  const images = new Map([...next.images, [digest, index]]);
  return tagged({ ...next, images }, plan.index.repository.split('/').at(-1) ?? '', plan.index.tag, digest);
};

/** Unless what the BuildConfig has counted and was not seen when this was planned is there. */
const started = (cluster: Cluster, { buildConfig, newest, attempt }: Start): Cluster => {
  const counted = cluster.buildConfigs.find(({ metadata }) => metadata.name === buildConfig)?.status?.lastVersion ?? 0;
  const isThere = cluster.builds.some(({ metadata }) => metadata.name === `${buildConfig}-${counted}`);
  if (counted > newest && isThere) return cluster;
  return instantiated(cluster, buildConfig, attempt);
}; // prettier-ignore

const running = (desired: OpenShiftObject, { deployments }: Cluster): Deployment => {
  const live = deployments.find(({ metadata }) => metadata.name === desired.metadata.name);
  const { spec } = desired as Deployment;
  const generation = (live?.metadata.generation ?? 0) + (isDeepStrictEqual(spec, live?.spec) ? 0 : 1);
  return { ...desired, metadata: { ...desired.metadata, generation }, ...(live?.status && { status: live.status }) };
}; // prettier-ignore

const withRead = (
  cluster: Cluster,
  { stream, tag, build, digest: wanted }: Plan['unread'][number],
): Cluster => {
  const held = wanted === undefined ? digestAt(cluster, stream, tag) : wanted;
  const live = cluster.imageStreams.find(({ metadata }) => metadata.name === stream);
  const digest = held !== undefined && holds(live, held) ? held : undefined;
  if (digest === undefined && build === undefined) throw new Error(`404: ${stream}:${tag}`);
  return {
    ...cluster,
    read: digest === undefined ? cluster.read : new Set([...cluster.read, digest]),
    pushed:
      build === undefined
        ? cluster.pushed
        : new Map([...cluster.pushed, [`${namespace}/${build}`, digest ?? gone]]),
  };
};

/** A build with another status. */
export const ended = (cluster: Cluster, name: string, status: Build['status']): Cluster => {
  const build = cluster.builds.find(({ metadata }) => metadata.name === name);
  if (build === undefined) throw new Error(`no Build ${name}`);
  const next = { ...build, status: { ...build.status, ...status } };
  return { ...cluster, builds: replaced(cluster.builds, name, next) };
};
