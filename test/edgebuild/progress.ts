/** What OpenShift does in its own time: imports, builds, pods that become ready; and how it all comes to rest. */
import { isDeepStrictEqual } from 'node:util';
import { platformNames, platformOf } from '../../src/api/platforms.ts';
import type { Build } from '../../src/engines/openshift/types.ts';
import { type Cluster, later, planned } from './cluster.ts';
import { acted, digestAt, ended, hashOf, tagged } from './written.ts';

/** Every base that waits for it is imported, with the architecture that is preferred. */
export const imported = (cluster: Cluster): Cluster =>
  cluster.imageStreams.reduce((all, { metadata, spec }) => {
    const waiting = (spec?.tags ?? []).filter(
      ({ name, from }) => from?.kind === 'DockerImage' && digestAt(all, metadata.name, name) === undefined,
    );
    return waiting.reduce((next, { name, annotations, from }) => {
      const architecture = annotations?.['importer.image.openshift.io/prefer-arch'] ?? 'amd64';
      const digest = hashOf(`${from?.name ?? ''} ${architecture}`);
      return tagged(withImage(next, digest, architecture), metadata.name, name, digest);
    }, all);
  }, cluster);

/** A base image has a new version. */
export const rebased = (cluster: Cluster, version: string, architecture?: string): Cluster =>
  cluster.imageStreams.reduce((all, { metadata, spec }) => {
    const bases = (spec?.tags ?? []).filter(({ from }) => from?.kind === 'DockerImage');
    return bases.reduce((next, { name, annotations }) => {
      const own = annotations?.['importer.image.openshift.io/prefer-arch'] ?? 'amd64';
      const digest = hashOf(`${version} ${name}`);
      return tagged(withImage(next, digest, architecture ?? own), metadata.name, name, digest);
    }, all);
  }, cluster);

const withImage = (cluster: Cluster, digest: string, architecture: string): Cluster => ({
  ...cluster,
  images: new Map([...cluster.images, [digest, { architecture }]]),
});

const architectureOf = ({ metadata }: Build): string => {
  const short = metadata.labels?.['edgebuild.io/platform'];
  const name = platformNames.find((one) => one.split('/').slice(1).join('-') === short);
  return name === undefined ? '' : platformOf(name).architecture;
};

const buildNamed = ({ builds }: Cluster, name: string): Build => {
  const found = builds.find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`no Build ${name}`);
  return found;
};

/** It pushes its image to its staging tag, and ends well. */
export const succeeded = (
  cluster: Cluster,
  name: string,
  { saysDigest = true, architecture }: { readonly saysDigest?: boolean; readonly architecture?: string } = {},
): Cluster => {
  const build = buildNamed(cluster, name);
  const digest = hashOf(name);
  const [stream = '', tag = ''] = (build.spec.output?.to?.name ?? '').split(':');
  const pushed = tagged(
    withImage(cluster, digest, architecture ?? architectureOf(build)),
    stream,
    tag,
    digest,
  );
  const output = saysDigest ? { to: { imageDigest: digest } } : {};
  return ended(pushed, name, {
    ...{ phase: 'Complete', duration: 60e9, completionTimestamp: later(60), output },
  });
};

export const failed = (cluster: Cluster, name: string, reason: string, ...log: readonly string[]): Cluster =>
  ended(cluster, name, {
    ...{ phase: 'Failed', reason, logSnippet: log.join('\n'), completionTimestamp: later(60) },
  });

/** OpenShift clears a build away. */
export const cleared = (cluster: Cluster, ...names: readonly string[]): Cluster => ({
  ...cluster,
  builds: cluster.builds.filter(({ metadata }) => !names.includes(metadata.name)),
});

/** Pods of every Deployment are ready. */
const available = (cluster: Cluster): Cluster => ({
  ...cluster,
  deployments: cluster.deployments.map((one) => {
    const replicas = one.spec?.replicas ?? 1;
    const observedGeneration = one.metadata.generation ?? 0;
    return { ...one, status: { observedGeneration, availableReplicas: replicas, updatedReplicas: replicas } };
  }),
});

export const underWay = ({ builds }: Cluster): readonly string[] =>
  builds
    .filter(({ status }) => ['New', 'Pending', 'Running'].includes(status?.phase ?? 'New'))
    .map(({ metadata }) => metadata.name);

/** What OpenShift does next, when every build ends well. */
const wellEnded = (cluster: Cluster): Cluster =>
  available(underWay(cluster).reduce((all, name) => succeeded(all, name), imported(cluster)));

/** The operator alone, until it has nothing more to do. @throws when it never rests. */
export const rested = (cluster: Cluster, at?: string): Cluster => {
  let current = cluster;
  for (let rounds = 0; rounds < 30; rounds += 1) {
    const next = acted(current, planned(current, at), at);
    if (isDeepStrictEqual(next, current)) return current;
    current = next;
  }
  throw new Error('the operator never rests');
};

/** The operator and OpenShift in turns, until nothing changes. @throws when it never comes to rest. */
export const settled = (cluster: Cluster, does = wellEnded): Cluster => {
  let current = rested(cluster);
  for (let rounds = 1; rounds < 40; rounds += 1) {
    // Time goes by between two turns: retries wait for it.
    const next = rested(does(current), later(rounds * 100));
    if (isDeepStrictEqual(next, current)) return current;
    current = next;
  }
  throw new Error('it never comes to rest');
};
