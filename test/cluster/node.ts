/** A real node: kubelet, and on it the Services' network and names. Inside of a box. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, ask } from './answers.ts';
import { authority } from './certificates.ts';
import { podRange, runtimeSocket } from './container-runtime.ts';
import { clientOf, type ControlPlane } from './control-plane.ts';
import type { NodeNetwork } from './network.ts';
import { startPart } from './part.ts';

/** Where a box keeps what it needs: in memory, of its own mount namespace. */
export const boxState = '/run/box';

export const nodeName = 'localhost';

export interface NodeSite {
  readonly state: string;
  readonly network: NodeNetwork;
  readonly controlPlane: ControlPlane;
}

/** Returns when the node is Ready. */
export const startKubelet = async (site: NodeSite): Promise<void> => {
  const { state, controlPlane } = site;
  const { programs, logs, certificates, url } = controlPlane;
  const file = join(state, 'kubelet.json');
  writeFileSync(file, JSON.stringify(kubeletSettings(site), null, 2));
  const part = startPart({
    ...{ name: 'kubelet', logs },
    command: [
      join(programs, 'kubelet'),
      ...[`--config=${file}`, `--kubeconfig=${controlPlane.kubeconfigOf('kubelet')}`],
      ...[`--hostname-override=${nodeName}`],
    ],
  });
  const admin = clientOf(certificates, 'admin');
  await part.ready(async () => isReady((await ask(`${url}/api/v1/nodes/${nodeName}`, admin))?.body ?? '{}'));
};

const isReady = (body: string): boolean => {
  const { status } = JSON.parse(body) as {
    readonly status?: { readonly conditions?: readonly { type: string; status: string }[] } | string;
  };
  // Of an error, `status` is a word.
  if (typeof status !== 'object') return false;
  return (
    status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
  );
};

const kubeletSettings = ({ state, network, controlPlane: { certificates } }: NodeSite): object => ({
  ...{ apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration' },
  ...{ address: '127.0.0.1', port: 10250, readOnlyPort: 0 },
  ...{ healthzBindAddress: '127.0.0.1', healthzPort: 10248 },
  containerRuntimeEndpoint: `unix://${runtimeSocket(state)}`,
  authentication: {
    ...{ anonymous: { enabled: false }, webhook: { enabled: true } },
    x509: { clientCAFile: certificates.certificate(authority) },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: certificates.certificate('kubelet-serving'),
  tlsPrivateKeyFile: certificates.key('kubelet-serving'),
  // Machines with cgroup v1 are welcome; in a box nobody may make a control group on either version.
  ...{ failCgroupV1: false, cgroupDriver: 'cgroupfs', cgroupsPerQOS: false, enforceNodeAllocatable: [] },
  failSwapOn: false,
  // Disks are the machine's: how full they are is no reason to remove images or pods here.
  ...{ imageMinimumGCAge: '1h', imageGCHighThresholdPercent: 99, imageGCLowThresholdPercent: 98 },
  evictionHard: { 'memory.available': '100Mi' },
  featureGates: { KubeletInUserNamespace: true },
  podLogsDir: join(state, 'pod-logs'),
  volumePluginDir: join(state, 'kubelet-plugins'),
  ...{ clusterDNS: [network.address], clusterDomain: 'cluster.local' },
});

/** Services by address: nftables rules of the box's own network namespace. */
export const startServiceProxy = async ({ controlPlane }: NodeSite): Promise<void> => {
  const { programs, logs, kubeconfig } = controlPlane;
  const part = startPart({
    ...{ name: 'kube-proxy', logs },
    command: [
      join(programs, 'kube-proxy'),
      ...[`--kubeconfig=${kubeconfig}`, `--hostname-override=${nodeName}`, '--proxy-mode=nftables'],
      `--cluster-cidr=${podRange}`,
      // The limits of connection tracking are the machine's, and no user namespace may set them.
      ...['max-per-core', 'tcp-timeout-established', 'tcp-timeout-close-wait'].map(
        (limit) => `--conntrack-${limit}=0`,
      ),
    ],
  });
  await part.ready(() => answers('http://127.0.0.1:10256/livez'));
};

/** Services by name. */
export const startDns = async ({ state, network, controlPlane }: NodeSite): Promise<void> => {
  const { programs, logs, kubeconfig } = controlPlane;
  const plugins = [
    ...[`bind ${network.address}`, 'errors', 'ready 127.0.0.1:8181', 'cache 5'],
    `kubernetes cluster.local {\nkubeconfig ${kubeconfig} box\n}`,
    ...(network.nameserver === undefined ? [] : [`forward . ${network.nameserver}`]),
  ];
  const file = join(state, 'Corefile');
  writeFileSync(file, `.:53 {\n${plugins.join('\n')}\n}\n`);
  const part = startPart({ name: 'coredns', command: [join(programs, 'coredns'), '-conf', file], logs });
  await part.ready(() => answers('http://127.0.0.1:8181/ready'));
};
