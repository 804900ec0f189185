/** The parts that the tables of objects are made of. */
export interface ObjectCase {
  readonly title: string;
  readonly object: unknown;
  /** `path: message`, sorted; none for a good object. */
  readonly errors: readonly string[];
  /** What an API server says instead, where that is something else on purpose. */
  readonly cluster?: readonly string[];
}

export const apiVersion = 'edgebuild.io/v1alpha1';
export const kind = 'EdgeBuild';
export const dockerfile = 'FROM debian:bookworm-slim\n';
export const uri = 'https://example.com/app.git';

export const named = (metadata: object): object => ({
  apiVersion,
  kind,
  metadata,
  spec: { source: { dockerfile } },
});
export const withSpec = (spec: object): object => ({ apiVersion, kind, metadata: { name: 'web' }, spec });
export const withGit = (git: object): object => withSpec({ source: { git } });
export const withSource = (source: object): object => withSpec({ source: { git: { uri }, ...source } });

export const full = {
  source: {
    git: { uri, ref: 'master' },
    contextDir: 'web',
    dockerfilePath: 'Dockerfile',
    dockerfile,
    secretRef: { name: 'git-credentials' },
  },
  platforms: ['linux/arm64', 'linux/arm/v7', 'linux/arm/v6', 'linux/riscv64'],
  execution: 'Emulated',
  baseImages: [
    {
      from: 'debian:bookworm-slim',
      image: 'docker.io/library/debian:bookworm-slim',
      pullSecretRef: { name: 'hub.example' },
    },
  ],
  buildArgs: [{ name: '_VERSION', value: '1.2\nand a second line' }],
  output: {
    imageStreamTag: 'web:1.2',
    deletionPolicy: 'Delete',
    image: 'quay.io/acme/web:1.2',
    labels: { 'org.opencontainers.image.vendor': 'acme' },
  },
  verify: { architecture: 'Skip', command: ['/usr/sbin/apache2ctl', '-t'] },
  deploy: { replicas: 0, port: 8080, expose: true },
  triggers: {
    onSpecChange: false,
    onBaseImageChange: false,
    cancelSuperseded: true,
    webhooks: [
      { type: 'GitHub', secretRef: { name: 'github-hook' } },
      { type: 'GitLab', secretRef: { name: 'gitlab-hook' } },
      { type: 'Bitbucket', secretRef: { name: 'bitbucket-hook' } },
      { type: 'Generic', secretRef: { name: 'hook' } },
    ],
  },
  retry: { limit: 10 },
  publish: 'Succeeded',
  timeoutSeconds: 1,
  resources: {
    requests: { cpu: '500m', memory: '1Gi' },
    limits: { memory: '2.5Gi', 'example.com/gpu': '1' },
  },
  history: { successful: 0, failed: 100 },
  suspend: true,
};

export const served = {
  name: 'web.example',
  namespace: 'team-1',
  labels: { 'app.kubernetes.io/name': 'web', empty: '' },
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}\n' },
  generation: 3,
  uid: '0f5d3b1e-7f0c-4a53-9c7e-6f5d2c0b1a11',
  resourceVersion: '42',
  creationTimestamp: '2026-11-24T22:00:00Z',
  finalizers: ['edgebuild.io/cleanup'],
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: '1' }],
  managedFields: [
    { manager: 'kubectl', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': {} } },
  ],
};
