import { execa } from 'execa';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { edgeBuilds, type StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { nodeEmulations } from '../../src/emulation/kinds.ts';
import { type Client, createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { answers } from '../../test/cluster/answers.ts';
import { type ControlPlane, startControlPlane } from '../../test/cluster/control-plane.ts';
import { startPart } from '../../test/cluster/part.ts';
import { freePorts } from '../../test/cluster/ports.ts';
import { startFakeNodes } from '../../test/faults/fake-nodes.ts';
import { pushImages } from '../../test/openshift/pushing.ts';
import { imageOf } from '../../test/openshift/word-images.ts';
import type { Call } from '../nodes/calls.ts';
import { cpuMsOf, type OperatorProcess, startOperatorProcess } from '../nodes/operator.ts';

/** Where the operator's program is compiled to, below .cache. */
export const compiledInto = 'bench-edgebuild';
const repository = join(import.meta.dirname, '../..');
/** Of calls that are made to set things up. */
export const author = 'author';

/**
 * A control plane with the stand-in for OpenShift on it, which runs no build, a registry, and a node that is none: an
 * agent that is none says of it that programs of arm64 run there. The stand-in is a process of its own, as OpenShift is.
 */
export interface OpenShiftSite {
  readonly plane: ControlPlane;
  readonly client: Client;
  /** host:port of the internal registry. */
  readonly internalRegistry: string;
  /** Of the stand-in: user and system time so far. */
  readonly standInCpuMs: () => number;
  /** Another image for each word. Returns what stands after FROM, and the digest of what arm64 gets. */
  readonly pushBase: (word: string) => Promise<{ readonly reference: string; readonly digest: string }>;
  readonly namespace: (name: string) => Promise<string>;
  /** Returns at once. */
  readonly startOperator: (...flags: readonly string[]) => Promise<OperatorProcess>;
  /** Until the node is proven: an operator must run. */
  readonly proven: () => Promise<void>;
  readonly apply: (namespace: string, name: string, base: string) => Promise<StoredEdgeBuild>;
  readonly close: () => Promise<void>;
}

/** Calls to the aggregated groups reach the API server twice: from the client, and then from the stand-in. */
export const isShadow = ({ group }: Call): boolean => group.endsWith('.standin.edgebuild.test');

/** Of one client; its watches are left out. */
export const callsOf = (calls: readonly Call[], agent: string): readonly Call[] =>
  calls.filter((call) => call.who.startsWith(agent) && !isShadow(call) && !call.what.startsWith('watch '));

const kubectl = async (plane: ControlPlane, ...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await plane.kubectl(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
};

export const openSite = async (): Promise<OpenShiftSite> => {
  const state = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'edgebuild-bench-'));
  const logs = join(repository, '.cache', compiledInto, 'logs');
  mkdirSync(logs, { recursive: true });
  const plane = await startControlPlane({
    ...{ controllers: true, audit: true, logs, state: join(state, 'plane') },
    // The audit log is read by position: it must not be rotated. What would take a new node's taint away is absent.
    apiServerFlags: ['--audit-log-maxsize=4000', '--disable-admission-plugins=TaintNodesByCondition'],
  });
  const ends: (() => Promise<unknown>)[] = [() => plane.stop()];
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
    rmSync(state, { recursive: true, force: true });
  };
  try {
    const registry = await startRegistry(state, logs);
    ends.push(registry.end);
    const openShift = await startStandIn(plane, join(state, 'plane/pki'), registry.host);
    ends.push(openShift.end);
    await install(plane);
    const connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }), author);
    ends.push(() => connection.close());
    const client = createClient({ connection, fieldManager: author });
    const fakes = await startFakeNodes(plane.kubeconfig);
    ends.push(() => fakes.end());
    await fakes.add('node-that-is-none');
    await fakes.setReady('node-that-is-none', true);
    await client.apply(nodeEmulations, emulationOfArm64);
    return {
      ...{ plane, client, close, internalRegistry: openShift.registry },
      standInCpuMs: openShift.cpuMs,
      pushBase: (word) => pushBase(registry.host, word),
      namespace: async (name) => {
        await kubectl(plane, 'create', 'namespace', name);
        return name;
      },
      startOperator: (...flags) =>
        startOperatorProcess(plane.kubeconfig, 'registry.example/agent:1', { into: compiledInto, flags }),
      proven: async () => {
        const ready = ['--for=condition=Ready', '--timeout=180s'];
        await kubectl(plane, 'wait', 'nodeemulation/cluster', ...ready);
      },
      apply: (namespace, name, base) => client.apply(edgeBuilds, edgeBuildOf(namespace, name, base)),
    };
  } catch (error) {
    await close();
    throw error;
  }
};

const emulationOfArm64 = {
  ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'NodeEmulation', metadata: { name: 'cluster' } },
  spec: { architectures: ['arm64'], managementState: 'Managed' },
} as KubeObject;

/** The smallest that there is. */
const edgeBuildOf = (
  namespace: string,
  name: string,
  base: string,
): KubeObject & { readonly spec: object } => ({
  ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { namespace, name } },
  spec: { source: { dockerfile: `FROM ${base}\nRUN true\n` } },
});

const install = async (plane: ControlPlane): Promise<void> => {
  const base = join(repository, 'manifests/base');
  const accounts = ['-f', join(base, 'service-accounts.yaml'), '-f', join(base, 'priority-class.yaml')];
  await kubectl(plane, 'apply', '-k', join(repository, 'crds'));
  await kubectl(plane, 'apply', '-f', join(base, 'namespaces.yaml'));
  await kubectl(plane, 'apply', ...accounts);
  await kubectl(plane, 'wait', '--for=condition=Established', 'crd', '--all');
};

interface Running {
  readonly end: () => Promise<void>;
}

const startRegistry = async (state: string, logs: string): Promise<Running & { readonly host: string }> => {
  const [port = 0] = await freePorts(1);
  const host = `127.0.0.1:${String(port)}`;
  const file = join(state, 'registry.yml');
  const settings = {
    ...{ version: 0.1, log: { level: 'warn' }, http: { addr: host } },
    storage: { filesystem: { rootdirectory: join(state, 'registry') } },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(settings));
  const part = startPart({ name: 'docker-registry', command: ['docker-registry', 'serve', file], logs });
  await part.ready(() => answers(`http://${host}/v2/`));
  return { host, end: () => part.stop() };
};

const startStandIn = async (
  { kubeconfig }: ControlPlane,
  pki: string,
  registry: string,
): Promise<Running & { readonly registry: string; readonly cpuMs: () => number }> => {
  const program = join(repository, 'test/openshift/stand-in.ts');
  const child = execa(
    process.execPath,
    [program, '--kubeconfig', kubeconfig, '--pki', pki, '--registry', registry],
    { reject: false, buffer: false, stdout: 'pipe', stderr: 'inherit' },
  );
  const ready = Promise.withResolvers<string>();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const [, name] = /internal registry (\S+)\n/.exec(said) ?? [];
    if (name !== undefined) ready.resolve(name);
  });
  void child.then(() => {
    ready.reject(new Error(`the stand-in ended: ${said}`));
  });
  const internal = await ready.promise;
  return {
    registry: internal,
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    end: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
};

const pushBase = async (host: string, word: string) => {
  const to = { host, repository: `bases/${word}`, tag: '1' };
  const { images } = await pushImages(to, [imageOf('arm64', word), imageOf('amd64', word)]);
  return { reference: `${host}/bases/${word}:1`, digest: images[0] ?? '' };
};
