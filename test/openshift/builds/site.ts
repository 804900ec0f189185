/** A box with the stand-in in which Builds run: what they are made of, and how they end. */
import { execa } from 'execa';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { emulatorOf } from '../../../agent/emulators.ts';
import { builds } from '../../../src/edgebuild/kinds.ts';
import { architectureCalled, magicOf } from '../../../src/emulation/architectures.ts';
import { escaped } from '../../../src/engines/local/binfmt.ts';
import { createClient } from '../../../src/kube/client.ts';
import { openConnection } from '../../../src/kube/connection.ts';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';
import { createStore } from '../../../src/kube/store.ts';
import { registryHost } from '../../cluster/registry.ts';
import { kubectl, tryKubectl } from '../../manifests/installation.ts';
import { type BaseRecipe, baseImages } from '../../support/bases.ts';
import { newDirectory, removeDirectories } from '../../support/directories.ts';
import { opened } from '../../support/opened.ts';
import { until } from '../../support/until.ts';
import { groups } from '../groups.ts';
import { openOpenShift } from '../in-box.ts';
import { type Build, type BuildSpec, isOver, phaseOf, type Pod } from './kinds.ts';

const namespace = 'builds-test';
const inNamespace = `--namespace=${namespace}`;

/** Nothing here takes so long, on however busy a machine; what is seen then is asserted, and so shown. */
const patience = 400_000;
export const eventually = <Seen>(look: () => Promise<Seen> | Seen, found: (seen: Seen) => boolean) =>
  until(look, found, patience);

const send = async (object: object, ...args: readonly string[]): Promise<string> =>
  (await execa('kubectl', [...args, '--filename=-'], { input: JSON.stringify(object) })).stdout;

/** Pushes base images, several as an index, and returns the digest. */
export const pushBase = async (name: string, ...recipes: readonly BaseRecipe[]): Promise<string> => {
  const directory = newDirectory();
  for (const [file, body] of baseImages(...recipes)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), body);
  }
  const digestFile = join(directory, 'digest');
  const options = ['--all', '--dest-tls-verify=false', `--digestfile=${digestFile}`];
  const target = `docker://${registryHost}/${name}:1`;
  await execa('skopeo', ['--insecure-policy', 'copy', ...options, `oci:${directory}`, target]);
  return readFileSync(digestFile, 'utf8').trim();
};

const binfmt = '/proc/sys/fs/binfmt_misc';
const handler = 'builds-test';
/** What the agent does, for a node without one. */
export const emulate = (): void => {
  const architecture = architectureCalled('arm64');
  const { magic, mask } = magicOf(architecture);
  const line = `:${handler}:M::${escaped(magic)}:${escaped(mask)}:${emulatorOf(architecture.name)}:PF`;
  writeFileSync(join(binfmt, 'register'), line);
};

export const imageStream = async (name: string): Promise<void> => {
  const object = {
    apiVersion: `${groups.image.name}/v1`,
    kind: 'ImageStream',
    metadata: { name, namespace },
  };
  await send(object, 'create');
};

export interface BuildSite {
  readonly close: () => Promise<void>;
}

export const openSite = (): Promise<BuildSite> =>
  opened(async (later) => {
    later(removeDirectories);
    later(() => {
      if (existsSync(join(binfmt, handler))) writeFileSync(join(binfmt, handler), '-1');
    });
    const openShift = await openOpenShift();
    later(openShift.close);
    later(() => kubectl('delete', 'namespace', namespace, '--ignore-not-found'));
    await kubectl('create', 'namespace', namespace);
    return {};
  });

/** Makes a BuildConfig, or changes it, and starts a Build of it: `NAME-1` the first time. */
export const start = async (name: string, spec: Partial<BuildSpec>): Promise<void> => {
  const config = {
    ...{ apiVersion: `${groups.build.name}/v1`, kind: 'BuildConfig', metadata: { name, namespace } },
    spec: {
      ...{ source: {}, strategy: { dockerStrategy: {} } },
      output: { to: { kind: 'ImageStreamTag', name: `out:${name.slice(0, 100)}` } },
      ...spec,
    },
  };
  await send(config, 'apply', '--server-side', '--force-conflicts');
  const request = { apiVersion: `${groups.build.name}/v1`, kind: 'BuildRequest', metadata: { name } };
  const path = `/apis/${groups.build.name}/v1/namespaces/${namespace}/buildconfigs/${name}/instantiate`;
  await send(request, 'create', `--raw=${path}`);
};

export const get = async (name: string): Promise<Build> =>
  JSON.parse(await kubectl(inNamespace, 'get', 'build', name, '--output=json')) as Build;
export const podOf = async (name: string): Promise<Pod | undefined> => {
  const { stdout } = await tryKubectl(inNamespace, 'get', 'pod', name, '--output=json');
  return stdout === '' ? undefined : (JSON.parse(stdout) as Pod);
};
export const cancel = async (name: string): Promise<void> => {
  await kubectl(inNamespace, 'patch', 'build', name, '--type=merge', '--patch={"status":{"cancelled":true}}');
};
export const patchPodStatus = async (pod: string, status: object): Promise<void> => {
  const change = `--patch=${JSON.stringify({ status })}`;
  await kubectl(inNamespace, 'patch', 'pod', pod, '--subresource=status', change);
};
export const deletePod = (pod: string) => kubectl(inNamespace, 'delete', 'pod', pod, '--wait=false');
export const createSecret = (name: string, type: string, data: Readonly<Record<string, string>>) =>
  send({ apiVersion: 'v1', kind: 'Secret', type, metadata: { name, namespace }, stringData: data }, 'create');
export const logOf = (name: string) => kubectl(inNamespace, 'logs', `${name}-build`, '--all-containers');

export const reaches = (name: string, found: (build: Build) => boolean): Promise<Build> =>
  eventually(() => get(name), found);

/** With all that is said of it: what a failed one printed comes last. */
export const finished = (name: string): Promise<Build> =>
  reaches(name, (build) => {
    const { completionTimestamp, logSnippet } = build.status ?? {};
    const phase = phaseOf(build);
    return isOver(phase) && completionTimestamp !== undefined && (phase !== 'Failed' || logSnippet !== undefined);
  }); // prettier-ignore

/** Phase, digest, stages. */
const sightOf = ({ status }: Build): string =>
  [
    status?.phase,
    status?.output?.to?.imageDigest?.replace(/:[0-9a-f]{64}$/, ''),
    ...(status?.stages ?? []).map(({ name }) => name),
  ]
    .filter((word) => word !== undefined)
    .join(' ');

/** What a watch tells of the Builds of a BuildConfig, from before the first one until it is complete. */
export const seen = async (config: string, begin: () => Promise<void>): Promise<readonly string[]> => {
  const fieldManager = 'builds-test';
  const connection = openConnection(loadKubeConfig({}), fieldManager);
  const store = createStore<Build>(createClient({ connection, fieldManager }), builds, {
    ...{ namespace, labelSelector: `buildconfig=${config}`, fieldManager },
  });
  const sights: string[] = [];
  store.onChange((change) => {
    if (change.type !== 'added' && change.type !== 'updated') return;
    const sight = sightOf(change.object);
    if (sight !== sights.at(-1)) sights.push(sight);
  });
  const stop = new AbortController();
  const following = store.run(stop.signal);
  try {
    await store.settled(stop.signal);
    await begin();
    return await eventually(() => sights, (all) => all.at(-1)?.startsWith('Complete') === true); // prettier-ignore
  } finally {
    stop.abort();
    await following;
    await connection.close();
  }
};

interface Configuration {
  readonly architecture: string;
  readonly config: {
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
}

/** The configuration of what a Build has pushed. */
export const pushed = async (build: Build): Promise<Configuration> => {
  const reference = `docker://${build.status?.outputDockerImageReference ?? ''}`;
  const { stdout } = await execa('skopeo', ['inspect', '--config', '--tls-verify=false', reference]);
  return JSON.parse(stdout) as Configuration;
};
