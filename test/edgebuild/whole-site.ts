/** The whole product in a box: the stand-in with real builds, the operator as its Deployment with its real rights. */
import { execa } from 'execa';
import { join } from 'node:path';
import { createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { registryHost } from '../cluster/registry.ts';
import { kubectl, pushInto, tryKubectl, withArguments } from '../manifests/installation.ts';
import { type OpenShiftInBox, openOpenShift } from '../openshift/in-box.ts';
import { type BaseRecipe, baseImages } from '../support/bases.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { writeDirectory } from '../support/images.ts';
import { opened } from '../support/opened.ts';
import { until } from '../support/until.ts';

const system = '--namespace=edgebuild-system';

/** Nothing here takes so long, on however busy a machine; what is seen then is asserted, and so shown. */
const patience = 600_000;
export const eventually = <Seen>(look: () => Promise<Seen> | Seen, found: (seen: Seen) => boolean) =>
  until(look, found, patience);

if (process.env['EDGEBUILD_BOX'] === undefined)
  throw new Error('this runs inside of a box: node test/cluster/enter.ts -- jest PATTERN');
const connection = openConnection(loadKubeConfig({}), 'edgebuild-tests');
/** An admin of the cluster. To look at things by it costs far less than by a kubectl each time. */
export const client = createClient({ connection, fieldManager: 'edgebuild-tests' });

/** Pushes a base image to the registry of the outside: one, or an index of several. Returns what stands after FROM. */
export const pushBase = async (name: string, ...recipes: readonly BaseRecipe[]): Promise<string> => {
  const directory = writeDirectory(newDirectory(), baseImages(...recipes));
  const reference = `${registryHost}/${name}`;
  const flags = ['--quiet', '--insecure-policy', '--dest-tls-verify=false', '--all'];
  await execa('skopeo', ['copy', ...flags, `oci:${directory}`, `docker://${reference}`]);
  return reference;
};

/** The operator as an admin installs it, with the images of this checkout. */
const pushOperator = async (): Promise<string> =>
  // The registry of a box has no certificate.
  withArguments(join(await pushInto(), 'overlays/openshift'), '--registry-plain-http');

export interface WholeSite {
  readonly openShift: OpenShiftInBox;
  readonly close: () => Promise<void>;
}

export const openWhole = (): Promise<WholeSite> =>
  opened(async (later) => {
    later(removeDirectories);
    later(() => connection.close());
    const opening = openOpenShift();
    // What could not be opened has closed itself.
    later(() => opening.then(({ close }) => close(), () => undefined)); // prettier-ignore
    const [openShift, overlay] = await Promise.all([opening, pushOperator()]);
    later(() => kubectl('delete', '-k', overlay, '--ignore-not-found', '--timeout=180s'));
    await kubectl('apply', '-k', overlay);
    later(() => Promise.all([removeProjects(), removeEmulation()]));
    await kubectl(system, 'rollout', 'status', 'deployment/edgebuild', '--timeout=240s');
    await eventually(leader, (name) => name !== '');
    return { openShift };
  });

const projectLabel = 'edgebuild-test/project';

/** Namespaces for EdgeBuilds, gone when the site is closed. */
export const createProjects = async (...names: readonly string[]): Promise<void> => {
  const items = names.map((name) => ({
    ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [projectLabel]: 'true' } } },
  }));
  await applyAll(...items);
};

/** OpenShift must be there still: a namespace does not end while a group of the API does not answer. */
const removeProjects = async (): Promise<void> => {
  const { stdout } = await tryKubectl('get', 'namespaces', '-l', projectLabel, '-o', 'name');
  const names = stdout.split('\n').filter((name) => name !== '');
  await kubectl('delete', 'edgebuilds', '--all', '--all-namespaces', '--timeout=180s');
  if (names.length > 0) await kubectl('delete', ...names, '--timeout=180s');
};

/** From the nodes, as the documentation says before all else is deleted. */
const removeEmulation = async (): Promise<void> => {
  const removed = JSON.stringify({ spec: { managementState: 'Removed' } });
  const patch = ['patch', 'nodeemulation', 'cluster', '--type=merge', '-p', removed];
  if ((await tryKubectl(...patch)).exitCode === 0)
    await kubectl('wait', '--for=condition=Reconciling=false', 'nodeemulation/cluster', '--timeout=180s');
};

export const applyAll = async (...objects: readonly object[]): Promise<string> => {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  return (await execa('kubectl', ['apply', '-f', '-'], { input })).stdout;
};

const leader = async (): Promise<string> =>
  (await tryKubectl('get', 'lease', 'edgebuild.io', system, '-o', 'jsonpath={.spec.holderIdentity}')).stdout;

/** All that the operator has logged, whichever of its pods. */
export const logs = (): Promise<string> =>
  kubectl(system, 'logs', '--selector=app.kubernetes.io/component=operator', '--tail=-1');

export const metricsText = async (): Promise<string> =>
  kubectl('get', '--raw', `/api/v1/namespaces/edgebuild-system/pods/${await leader()}:8080/proxy/metrics`);
