/** Command lines of the control plane's programs. */
import type { Certificates } from './certificates.ts';
import { authority, serviceAccountKey } from './certificates.ts';

export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

/** Of Services. Its first address is the API server's and in that one's certificate. */
const serviceRange = '10.0.0.0/24';

export const etcdFlags = (data: string, { etcd, etcdPeer }: Ports, pki: Certificates): readonly string[] => [
  `--data-dir=${data}`,
  // State lies in memory: there is no disk to wait for.
  '--unsafe-no-fsync',
  '--log-level=warn',
  `--listen-client-urls=https://127.0.0.1:${etcd}`,
  `--advertise-client-urls=https://127.0.0.1:${etcd}`,
  `--listen-peer-urls=http://127.0.0.1:${etcdPeer}`,
  `--initial-advertise-peer-urls=http://127.0.0.1:${etcdPeer}`,
  `--initial-cluster=default=http://127.0.0.1:${etcdPeer}`,
  `--cert-file=${pki.certificate('etcd')}`,
  `--key-file=${pki.key('etcd')}`,
  `--trusted-ca-file=${pki.certificate(authority)}`,
  '--client-cert-auth',
];

export interface ApiServerFiles {
  readonly pki: Certificates;
  /** Of --token-auth-file. */
  readonly tokens: string | undefined;
  readonly audit: { readonly policy: string; readonly log: string } | undefined;
}

export const apiServerFlags = (
  { pki, tokens, audit }: ApiServerFiles,
  { etcd, apiServer }: Ports,
  address: string,
): readonly string[] => [
  `--bind-address=${address}`,
  // Nobody can reach loopback from a pod, and Endpoints refuse it: then the Service `kubernetes` gets none.
  ...(address === '127.0.0.1' ? ['--advertise-address=127.0.0.1', '--endpoint-reconciler-type=none'] : []),
  `--secure-port=${apiServer}`,
  `--etcd-servers=https://127.0.0.1:${etcd}`,
  `--etcd-cafile=${pki.certificate(authority)}`,
  `--etcd-certfile=${pki.certificate('etcd-client')}`,
  `--etcd-keyfile=${pki.key('etcd-client')}`,
  `--tls-cert-file=${pki.certificate('kube-apiserver')}`,
  `--tls-private-key-file=${pki.key('kube-apiserver')}`,
  `--client-ca-file=${pki.certificate(authority)}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${pki.key(serviceAccountKey)}`,
  `--service-account-signing-key-file=${pki.key(serviceAccountKey)}`,
  `--requestheader-client-ca-file=${pki.certificate('front-proxy-ca')}`,
  '--requestheader-allowed-names=system:aggregator',
  '--requestheader-username-headers=X-Remote-User',
  '--requestheader-group-headers=X-Remote-Group',
  '--requestheader-extra-headers-prefix=X-Remote-Extra-',
  `--proxy-client-cert-file=${pki.certificate('front-proxy-client')}`,
  `--proxy-client-key-file=${pki.key('front-proxy-client')}`,
  `--service-cluster-ip-range=${serviceRange}`,
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
  '--allow-privileged=true',
  // Without it a server that is told to end waits for as long as any watch is open.
  '--shutdown-watch-termination-grace-period=5s',
  `--kubelet-client-certificate=${pki.certificate('kube-apiserver-kubelet')}`,
  `--kubelet-client-key=${pki.key('kube-apiserver-kubelet')}`,
  '--kubelet-preferred-address-types=Hostname',
  ...(tokens === undefined ? [] : [`--token-auth-file=${tokens}`]),
  ...(audit === undefined ? [] : [`--audit-policy-file=${audit.policy}`, `--audit-log-path=${audit.log}`]),
];

/**
 * Whom its own small server trusts is not asked of the API server (--authentication-kubeconfig): nobody reads more than
 * its health, and so it starts while the API server does.
 */
const asClient = (kubeconfig: string, port: number): readonly string[] => [
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--kubeconfig=${kubeconfig}`,
  '--leader-elect=false',
  // With 20 requests a second, the default, the controller manager alone would start for 5 s.
  '--kube-api-qps=1000',
  '--kube-api-burst=1000',
];

/** Node lifecycle and eviction would remove the pods of nodes that tests invent and that no kubelet stands behind. */
const absentControllers = [
  ...['node-lifecycle-controller', 'taint-eviction-controller', 'node-ipam-controller'],
  ...['node-route-controller', 'cloud-node-lifecycle-controller', 'service-lb-controller'],
];

export const controllerManagerFlags = (
  kubeconfig: string,
  ports: Ports,
  pki: Certificates,
): readonly string[] => [
  ...asClient(kubeconfig, ports.controllerManager),
  `--service-account-private-key-file=${pki.key(serviceAccountKey)}`,
  `--root-ca-file=${pki.certificate(authority)}`,
  '--use-service-account-credentials=true',
  `--controllers=${['*', ...absentControllers.map((name) => `-${name}`)].join(',')}`,
];

export const schedulerFlags = (kubeconfig: string, ports: Ports): readonly string[] =>
  asClient(kubeconfig, ports.scheduler);
