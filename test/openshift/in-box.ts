/** The stand-in in a box, with builds on its node: what the demo and the tests of the whole product need of it. */
import { execa } from 'execa';
import { join } from 'node:path';
import { certificatesIn } from '../cluster/certificates.ts';
import { allowPlainHttp } from '../cluster/container-runtime.ts';
import { boxState } from '../cluster/node.ts';
import { registryHost } from '../cluster/registry.ts';
import { opened } from '../support/opened.ts';
import { type OpenShift, startOpenShift } from './stand-in.ts';

export interface OpenShiftInBox extends OpenShift {
  /** Of the node: pods and the node reach this process by it. */
  readonly address: string;
}

const internalPort = 5001;

export const openOpenShift = (): Promise<OpenShiftInBox> =>
  opened(async (later) => {
    const path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}';
    const { stdout: address } = await execa('kubectl', ['get', 'nodes', '-o', path]);
    const name = `${address}:${internalPort}`;
    allowPlainHttp(boxState, name);
    later(remove);
    const openShift = await startOpenShift({
      kubeconfig: process.env['KUBECONFIG'] ?? '',
      certificates: certificatesIn(join(boxState, 'control-plane/pki')),
      ...{ registry: registryHost, buildsRun: true },
      internalRegistry: { address: '0.0.0.0', port: internalPort, name },
    });
    later(openShift.close);
    return { ...openShift, address };
  });

/** Where its groups are named and not served, no namespace of a cluster can be deleted any more. */
const remove = async (): Promise<void> => {
  const { stdout } = await execa('kubectl', [
    ...['get', 'apiservices,crds,mutatingwebhookconfigurations', '-o', 'name'],
  ]);
  const theirs = stdout
    .split('\n')
    .filter((name) => /standin|\.openshift\.io$/.test(name))
    .toSorted();
  const namespaces = ['namespace/openshift-apiserver', 'namespace/openshift-image-registry'];
  await execa('kubectl', ['delete', ...theirs, ...namespaces, '--ignore-not-found', '--timeout=120s']);
};
