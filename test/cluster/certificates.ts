/** Certificates of a control plane, by openssl: one authority for everything, one for the aggregation layer. */
import { execa } from 'execa';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Leaf {
  /** Its files are `NAME.crt` and `NAME.key`. */
  readonly name: string;
  readonly user: string;
  readonly groups?: readonly string[];
  /** A server's names, as OpenSSL's subjectAltName takes them. Without any it is a client's certificate alone. */
  readonly names?: readonly string[];
  readonly authority?: string;
}

export interface Certificates {
  readonly certificate: (name: string) => string;
  readonly key: (name: string) => string;
  readonly issue: (leaf: Leaf) => Promise<void>;
}

/** Signs everything but what the aggregation layer shows. */
export const authority = 'ca';
const aggregation = 'front-proxy-ca';
/** Signs and verifies the tokens of service accounts. */
export const serviceAccountKey = 'service-account';

const loopback = ['IP:127.0.0.1', 'DNS:localhost'];

/** Kubernetes takes CN as the user and each O as a group. */
const leaves: readonly Leaf[] = [
  { name: 'etcd', user: 'etcd', names: loopback },
  { name: 'etcd-client', user: 'etcd-client' },
  {
    ...{ name: 'kube-apiserver', user: 'kube-apiserver' },
    names: [
      ...loopback,
      ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].map((name) => `DNS:${name}`),
      // The first address of the service range is the API server's.
      'IP:10.0.0.1',
    ],
  },
  { name: 'front-proxy-client', user: 'system:aggregator', authority: aggregation },
  { name: 'admin', user: 'admin', groups: ['system:masters'] },
  { name: 'kube-controller-manager', user: 'system:kube-controller-manager' },
  { name: 'kube-scheduler', user: 'system:kube-scheduler' },
  { name: 'kube-apiserver-kubelet', user: 'kube-apiserver-kubelet', groups: ['system:masters'] },
  { name: 'kubelet', user: 'system:node:localhost', groups: ['system:nodes'] },
  { name: 'kubelet-serving', user: 'localhost', names: loopback },
];

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Of openssl's -subj, `/`, `+` and `\` have a meaning. */
const subject = (user: string, groups: readonly string[] = []): string =>
  [...groups.map((group) => `/O=${escape(group)}`), `/CN=${escape(user)}`].join('');
const escape = (text: string): string => text.replaceAll(/[/+\\]/g, '\\$&');

/** Of a self-made certificate: the beginning of openssl's arguments. */
const common = (directory: string, name: string): readonly string[] => {
  const path = (file: string): string => join(directory, file);
  return [
    ...['req', '-x509', '-config', path('openssl.cnf'), ...curve, '-days', '30'],
    ...['-keyout', path(`${name}.key`), '-out', path(`${name}.crt`)],
  ];
};

/** Those that `makeCertificates` has made in this directory, and more of the same authorities. */
export const certificatesIn = (directory: string): Certificates => {
  const path = (name: string): string => join(directory, name);
  const issue = async ({
    name,
    user,
    groups,
    names = [],
    authority: by = authority,
  }: Leaf): Promise<void> => {
    const usage = names.length > 0 ? 'serverAuth,clientAuth' : 'clientAuth';
    const extensions = ['basicConstraints=CA:FALSE', `extendedKeyUsage=${usage}`];
    if (names.length > 0) extensions.push(`subjectAltName=${names.join(',')}`);
    await execa('openssl', [
      ...[...common(directory, name), '-CA', path(`${by}.crt`), '-CAkey', path(`${by}.key`)],
      ...['-subj', subject(user, groups), ...extensions.flatMap((extension) => ['-addext', extension])],
    ]);
  };
  return { certificate: (name) => path(`${name}.crt`), key: (name) => path(`${name}.key`), issue };
};

/** Makes them all, in a directory of their own. */
export const makeCertificates = async (directory: string): Promise<Certificates> => {
  const path = (name: string): string => join(directory, name);
  // Without the machine's openssl.cnf, which would add extensions of an authority to everything.
  writeFileSync(path('openssl.cnf'), '[req]\ndistinguished_name = subject\n[subject]\n');
  const root = async (name: string): Promise<void> => {
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    await execa('openssl', [
      ...common(directory, name),
      ...['-subj', subject(name), ...extensions.flatMap((extension) => ['-addext', extension])],
    ]);
  };
  const certificates = certificatesIn(directory);
  // Kubernetes takes the public key out of a private one in this form (SEC 1) alone, not out of PKCS #8.
  const tokenKey = execa('openssl', [
    ...['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path(`${serviceAccountKey}.key`)],
  ]);
  await Promise.all([root(authority), root(aggregation)]);
  await Promise.all([tokenKey, ...leaves.map(certificates.issue)]);
  return certificates;
};

/** A kubeconfig that needs no other file. JSON is YAML. */
export const writeKubeconfig = (
  file: string,
  { certificate, key }: Certificates,
  { url, name }: { readonly url: string; readonly name: string },
): string => {
  const data = (path: string): string => readFileSync(path).toString('base64');
  const user = {
    'client-certificate-data': data(certificate(name)),
    'client-key-data': data(key(name)),
  };
  const kubeconfig = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'box' },
    clusters: [
      { name: 'box', cluster: { server: url, 'certificate-authority-data': data(certificate(authority)) } },
    ],
    users: [{ name, user }],
    contexts: [{ name: 'box', context: { cluster: 'box', user: name } }],
  };
  writeFileSync(file, `${JSON.stringify(kubeconfig, null, 2)}\n`, { mode: 0o600 });
  return file;
};
