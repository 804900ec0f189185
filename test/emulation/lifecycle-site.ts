/** A box with the operator installed as its Deployment: what it has done to the cluster and to the node, and how to ask. */
import { execa } from 'execa';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeEmulationStatus } from '../../src/api/node-emulation.ts';
import { nodeName } from '../cluster/node.ts';
import { kubectl, pushInto, tryKubectl, withArguments } from '../manifests/installation.ts';
import { removeDirectories } from '../support/directories.ts';
import { until } from '../support/until.ts';

export const system = '--namespace=edgebuild-system';
export const agents = '--namespace=edgebuild-node';
/** Of EdgeBuilds and of pods that are emulated. */
export const namespace = 'lifecycle-test';

/** Nothing here takes so long, on however busy a machine; what is seen then is asserted, and so shown. */
const patience = 180_000;
export const eventually = <Seen>(look: () => Promise<Seen> | Seen, found: (seen: Seen) => boolean) =>
  until(look, found, patience);

/** Runs it, and prints how long it took: to be read, not to be asserted. */
export const timed = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
  const began = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
};

const binfmt = '/proc/sys/fs/binfmt_misc';

/** What the node's binfmt_misc has, by name; `register` cannot be read. */
export const entries = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(binfmt)
      .filter((name) => name !== 'register')
      .sort()
      .map((name) => [name, readIfThere(join(binfmt, name))]),
  );

/** It may go between two looks. */
const readIfThere = (file: string): string => {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
};

export const ourEntries = (): readonly string[] =>
  readdirSync(binfmt)
    .filter((name) => name.startsWith('edgebuild-'))
    .sort();

/** Null: there is no such directory. */
export const ourFiles = (): readonly string[] | null => {
  try {
    return readdirSync('/run/edgebuild').sort();
  } catch {
    return null;
  }
};

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

export const get = async <T>(...args: readonly string[]): Promise<T | undefined> => {
  const text = await kubectl('get', ...args, '-o', 'json', '--ignore-not-found');
  return text === '' ? undefined : (JSON.parse(text) as T);
};

/** "arm64=ready", sorted. */
export const emulationLabels = async (node = nodeName): Promise<readonly string[]> => {
  const prefix = 'emulation.edgebuild.io/';
  const labels = (await get<Labelled>('node', node))?.metadata.labels ?? {};
  return Object.entries(labels)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => `${name.slice(prefix.length)}=${value}`)
    .sort();
};

/** Everything about the node that EdgeBuild could leave there. */
export const footprint = async () => ({
  entries: entries(),
  files: ourFiles(),
  labels: await emulationLabels(),
  mounts: readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => / \/(proc\/sys\/fs|run\/edgebuild)/.test(line)),
});
export type Footprint = Awaited<ReturnType<typeof footprint>>;

/** Handlers of somebody else: one by the magic of IA-64, which no agent knows, and one by an extension. */
export const registerForeign = (): void => {
  const magic = `\\x7fELF\\x02\\x01\\x01${'\\x00'.repeat(9)}\\x02\\x00\\x32\\x00`;
  for (const line of [`:qemu-ia64:M::${magic}::/bin/false:PF`, ':foreign-text:E::foreign::/bin/cat:'])
    writeFileSync(join(binfmt, 'register'), line);
};

/** Of {@link registerForeign}. */
export const unregisterForeign = (): void => {
  for (const name of ['qemu-ia64', 'foreign-text'])
    if (readdirSync(binfmt).includes(name)) writeFileSync(join(binfmt, name), '-1');
};

export interface Emulation {
  readonly metadata: { readonly uid: string; readonly generation: number };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: NodeEmulationStatus;
}

export const emulation = (): Promise<Emulation | undefined> => get<Emulation>('nodeemulation', 'cluster');

/** Why Ready is what it is, if that is said of the latest spec; else empty. */
const reasonOf = (of: Emulation | undefined): string => {
  const ready = of?.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.observedGeneration === of?.metadata.generation ? (ready?.reason ?? '') : '';
};

/** Waits for a reason of Ready. Returns the object as it was last seen. */
export const reached = async (reason: string): Promise<Emulation> => {
  const seen = await eventually(emulation, (one) => reasonOf(one) === reason);
  if (seen === undefined || reasonOf(seen) !== reason)
    throw new Error(`Ready is not ${reason}: ${JSON.stringify(seen?.status, null, 1)}`);
  return seen;
};

/** Waits until the node is labelled with these and no others: emulated, and everybody may know. */
export const labelled = (...names: readonly string[]): Promise<readonly string[]> => {
  const wanted = names.map((name) => `${name}=ready`).sort();
  return eventually(emulationLabels, (seen) => seen.join() === wanted.join());
};

export const patchEmulation = (spec: object): Promise<string> =>
  kubectl('patch', 'nodeemulation', 'cluster', '--type=merge', '-p', JSON.stringify({ spec }));

export const apply = async (...objects: readonly object[]): Promise<string> => {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  return (await execa('kubectl', ['apply', '-f', '-'], { input })).stdout;
};

export const edgeBuild = (name: string, spec: object = {}): object => ({
  ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name, namespace } },
  spec: { source: { dockerfile: 'FROM scratch\n' }, ...spec },
});

export const removeEdgeBuild = (name: string): Promise<string> =>
  kubectl('delete', 'edgebuild', name, `--namespace=${namespace}`, '--ignore-not-found');

export interface AgentPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
}

/** Those that stay. */
export const agentPods = async (): Promise<readonly AgentPod[]> =>
  ((await get<{ readonly items: readonly AgentPod[] }>('pods', agents))?.items ?? []).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );

export const daemonSet = <T>() => get<T>('daemonset', 'edgebuild-agent', agents);
/** It is deleted after the status has said that all is over. */
export const withoutDaemonSet = async (): Promise<void> => {
  const seen = await eventually(daemonSet, (set) => set === undefined);
  if (seen !== undefined) throw new Error('the DaemonSet is still there');
};

const leader = async (): Promise<string> =>
  (await tryKubectl('get', 'lease', 'edgebuild.io', system, '-o', 'jsonpath={.spec.holderIdentity}')).stdout;

type Metrics = Readonly<Record<string, number>>;

/** The leader's metrics at one moment: by their name, those of it by what stands between the braces. */
export const scraped = async (): Promise<(name: string) => Metrics> => {
  const path = `/api/v1/namespaces/edgebuild-system/pods/${await leader()}:8080/proxy/metrics`;
  const lines = [...(await kubectl('get', '--raw', path)).matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)];
  return (name) =>
    Object.fromEntries(
      lines.flatMap(([, of, labels = '', value]) => (of === name ? [[labels, Number(value)]] : [])),
    );
};
export const metrics = async (name: string): Promise<Metrics> => (await scraped())(name);

/** How often the operator has thought about something. */
const reconciles = async (controller: string): Promise<number> =>
  Object.entries(await metrics('controller_runtime_reconcile_total'))
    .filter(([labels]) => labels.includes(`controller="${controller}"`))
    .reduce((sum, [, value]) => sum + value, 0);

/** Does something that the operator sees, and returns when it has thought about it. */
export const noticed = async (
  controller: 'nodeemulation' | 'nodelabels',
  work: () => Promise<unknown>,
): Promise<void> => {
  const before = await reconciles(controller);
  await work();
  const after = await eventually(
    () => reconciles(controller),
    (count) => count > before,
  );
  if (after === before) throw new Error(`the operator has not looked at it: ${controller}`);
};

export interface Installation {
  /** As images.env names it. */
  readonly agentImage: string;
  readonly samples: string;
  readonly overlay: string;
  /** Of the node, before. */
  readonly found: Footprint;
}

/** `kubectl apply -k`; returns when one of the replicas leads. */
export const deploy = (overlay: string): Promise<void> =>
  timed('kubectl apply -k until it leads', async () => {
    await kubectl('apply', '-k', overlay);
    await kubectl(system, 'rollout', 'status', 'deployment/edgebuild', '--timeout=300s');
    await eventually(leader, (name) => name !== '');
  });

/** Handlers of others are on the node before. More arguments are for `edgebuild run`. */
export const install = async (...args: readonly string[]): Promise<Installation> => {
  if (process.env['EDGEBUILD_BOX'] === undefined)
    throw new Error('this runs inside of a box: node test/cluster/enter.ts -- jest PATTERN');
  registerForeign();
  const found = await footprint();
  const manifests = await pushInto();
  const plain = join(manifests, 'overlays/kubernetes');
  const overlay = args.length === 0 ? plain : withArguments(plain, ...args);
  await deploy(overlay);
  await kubectl('create', 'namespace', namespace);
  const images = readFileSync(join(manifests, 'base/images.env'), 'utf8');
  const agentImage = /^agent=(.*)$/m.exec(images)?.[1] ?? '';
  return { agentImage, samples: join(manifests, 'samples'), overlay, found };
};

/** As the documentation says, if there still is something. */
export const uninstall = async (overlay: string): Promise<void> => {
  const wait = ['wait', '--for=condition=Reconciling=false', 'nodeemulation/cluster', '--timeout=180s'];
  if ((await tryKubectl('get', 'nodeemulation', 'cluster')).exitCode === 0) {
    await patchEmulation({ managementState: 'Removed' });
    await kubectl(...wait);
  }
  await kubectl('delete', '-k', overlay, '--ignore-not-found', '--timeout=180s');
};

/** For afterAll: the next file finds the box as this one did. */
export const leave = async (installation: Installation | undefined): Promise<void> => {
  if (installation !== undefined) await timed('uninstalled', () => uninstall(installation.overlay));
  await kubectl('delete', 'namespace', namespace, '--ignore-not-found');
  unregisterForeign();
  removeDirectories();
};
