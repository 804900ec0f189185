/** What only a cluster acts on: Secrets, the output ImageStream, deploying, triggers, resources, history. */
import { dockerfile, withSource, withSpec, type ObjectCase } from './makers.ts';

const withOutput = (imageStreamTag: unknown): object =>
  withSpec({ source: { dockerfile }, output: { imageStreamTag } });
const withDeploy = (deploy: unknown): object => withSpec({ source: { dockerfile }, deploy });
const withTriggers = (triggers: unknown): object => withSpec({ source: { dockerfile }, triggers });
const withResources = (resources: unknown): object => withSpec({ source: { dockerfile }, resources });

const noSecret = (path: string, name: string): string =>
  `${path}: Invalid value: "${name}": "${name}" is no name of a Secret: write its name alone, in lower case; it must be in the namespace of the EdgeBuild`;
const noStream = (text: string): string =>
  `spec.output.imageStreamTag: Invalid value: "${text}": imageStreamTag "${text}" is not stream:tag: write the name of an ImageStream of this namespace, ":" and a tag of at most 119 characters, such as web:latest`;
const noQuantity = (path: string, text: string): string =>
  `${path}: Invalid value: "${text}": ${path} in body should match '^([0-9]+(\\.[0-9]+)?|\\.[0-9]+)([eE][0-9]+|m|k|[KMGTPE]i|[MGTPE])?$'`;

const secrets: readonly ObjectCase[] = [
  {
    title: 'a Secret of another namespace, by its path',
    object: withSource({ secretRef: { name: 'team-2/git' } }),
    errors: [noSecret('spec.source.secretRef.name', 'team-2/git')],
  },
  {
    title: 'a Secret of another namespace, by a field that there is not',
    object: withSource({ secretRef: { name: 'git', namespace: 'team-2' } }),
    errors: [
      'spec.source.secretRef.namespace: unknown field "spec.source.secretRef.namespace": known here: name',
    ],
    cluster: ['unknown field "spec.source.secretRef.namespace"'],
  },
  {
    title: 'a Secret in capitals',
    object: withSource({ secretRef: { name: 'Git' } }),
    errors: [noSecret('spec.source.secretRef.name', 'Git')],
  },
  {
    title: 'a Secret without a name',
    object: withSource({ secretRef: {} }),
    errors: ['spec.source.secretRef.name: Required value'],
  },
  {
    title: 'a Secret whose name is empty',
    object: withSource({ secretRef: { name: '' } }),
    errors: [
      noSecret('spec.source.secretRef.name', ''),
      'spec.source.secretRef.name: Invalid value: "": spec.source.secretRef.name in body should be at least 1 chars long',
    ],
  },
  {
    title: 'a Secret whose name is too long',
    object: withSource({ secretRef: { name: 'a'.repeat(254) } }),
    errors: ['spec.source.secretRef.name: Too long: may not be more than 253 bytes'],
  },
  {
    title: 'a Secret that is a text',
    object: withSource({ secretRef: 'git' }),
    errors: [
      'spec.source.secretRef: Invalid value: "string": spec.source.secretRef in body must be of type object: "string"',
    ],
  },
  {
    title: 'a pull secret whose name has a dot at its end',
    object: withSpec({
      source: { dockerfile },
      baseImages: [{ from: 'debian', pullSecretRef: { name: 'hub.' } }],
    }),
    errors: [noSecret('spec.baseImages[0].pullSecretRef.name', 'hub.')],
  },
  {
    title: 'a pull secret of another namespace',
    object: withSpec({
      source: { dockerfile },
      baseImages: [{ from: 'debian', pullSecretRef: { namespace: 'team-2', name: 'hub' } }],
    }),
    errors: [
      'spec.baseImages[0].pullSecretRef.namespace: unknown field "spec.baseImages[0].pullSecretRef.namespace": known here: name',
    ],
    cluster: ['unknown field "spec.baseImages[0].pullSecretRef.namespace"'],
  },
];

const output: readonly ObjectCase[] = [
  { title: 'an output stream without a tag', object: withOutput('web'), errors: [noStream('web')] },
  { title: 'an output stream of nothing', object: withOutput(':latest'), errors: [noStream(':latest')] },
  { title: 'an output stream in capitals', object: withOutput('Web:1'), errors: [noStream('Web:1')] },
  {
    title: 'an output stream of another namespace',
    object: withOutput('team-2/web:latest'),
    errors: [noStream('team-2/web:latest')],
  },
  {
    title: 'an output stream by digest',
    object: withOutput('web@sha256:0'),
    errors: [noStream('web@sha256:0')],
  },
  { title: 'an output stream with two tags', object: withOutput('web:1:2'), errors: [noStream('web:1:2')] },
  {
    title: 'an output tag that leaves no room for that of a platform',
    object: withOutput(`web:${'x'.repeat(120)}`),
    errors: [noStream(`web:${'x'.repeat(120)}`)],
  },
  {
    title: 'a deletion policy that there is not',
    object: withSpec({ source: { dockerfile }, output: { deletionPolicy: 'Orphan' } }),
    errors: ['spec.output.deletionPolicy: Unsupported value: "Orphan": supported values: "Retain", "Delete"'],
  },
];

const exposedWithoutPort =
  'spec.deploy: Required value: deploy.expose is true, and there is no port that a Route could lead to: set deploy.port to the port that the program listens on, or remove expose';

const deploying: readonly ObjectCase[] = [
  { title: 'exposing no port', object: withDeploy({ expose: true }), errors: [exposedWithoutPort] },
  { title: 'not exposing no port', object: withDeploy({ expose: false, replicas: 2 }), errors: [] },
  {
    title: 'a port that there is not',
    object: withDeploy({ port: 65_536, replicas: -1 }),
    errors: [
      'spec.deploy.port: Invalid value: 65536: spec.deploy.port in body should be less than or equal to 65535',
      'spec.deploy.replicas: Invalid value: -1: spec.deploy.replicas in body should be greater than or equal to 0',
    ],
  },
  {
    title: 'port 0',
    object: withDeploy({ port: 0 }),
    errors: [
      'spec.deploy.port: Invalid value: 0: spec.deploy.port in body should be greater than or equal to 1',
    ],
  },
  {
    title: 'more pods than a namespace should have',
    object: withDeploy({ replicas: 1001 }),
    errors: [
      'spec.deploy.replicas: Invalid value: 1001: spec.deploy.replicas in body should be less than or equal to 1000',
    ],
  },
  {
    title: 'a deployment with a privileged pod',
    object: withDeploy({ privileged: true }),
    errors: [
      'spec.deploy.privileged: unknown field "spec.deploy.privileged": known here: replicas, port, expose',
    ],
    cluster: ['unknown field "spec.deploy.privileged"'],
  },
];

const triggers: readonly ObjectCase[] = [
  {
    title: 'a webhook of a service that there is not',
    object: withTriggers({ webhooks: [{ type: 'Gitea', secretRef: { name: 'hook' } }] }),
    errors: [
      'spec.triggers.webhooks[0].type: Unsupported value: "Gitea": supported values: "GitHub", "GitLab", "Bitbucket", "Generic"',
    ],
  },
  {
    title: 'a webhook without a Secret',
    object: withTriggers({ webhooks: [{ type: 'GitHub' }] }),
    errors: ['spec.triggers.webhooks[0].secretRef: Required value'],
  },
  {
    title: 'a webhook with the secret itself',
    object: withTriggers({ webhooks: [{ type: 'GitHub', secret: 's3cr3t', secretRef: { name: 'hook' } }] }),
    errors: [
      'spec.triggers.webhooks[0].secret: unknown field "spec.triggers.webhooks[0].secret": did you mean "secretRef"?',
    ],
    cluster: ['unknown field "spec.triggers.webhooks[0].secret"'],
  },
  {
    title: 'a webhook whose Secret is an option',
    object: withTriggers({ webhooks: [{ type: 'Generic', secretRef: { name: '-all' } }] }),
    errors: [noSecret('spec.triggers.webhooks[0].secretRef.name', '-all')],
  },
  {
    title: 'a webhook twice',
    object: withTriggers({
      webhooks: [
        { type: 'GitHub', secretRef: { name: 'a' } },
        { type: 'GitHub', secretRef: { name: 'b' } },
      ],
    }),
    errors: ['spec.triggers.webhooks[1]: Duplicate value: {"type":"GitHub"}'],
  },
  {
    title: 'a trigger that is a text',
    object: withTriggers({ onSpecChange: 'false' }),
    errors: [
      'spec.triggers.onSpecChange: Invalid value: "string": spec.triggers.onSpecChange in body must be of type boolean: "string"',
    ],
  },
];

const limits: readonly ObjectCase[] = [
  {
    title: 'amounts that are none',
    object: withResources({ requests: { cpu: '1 core' }, limits: { memory: '-1Gi', cpu: '' } }),
    errors: [
      'spec.resources.limits.cpu: Invalid value: "": spec.resources.limits.cpu in body should be at least 1 chars long',
      noQuantity('spec.resources.limits.memory', '-1Gi'),
      noQuantity('spec.resources.requests.cpu', '1 core'),
    ],
  },
  {
    title: 'an amount that is too long',
    object: withResources({ limits: { cpu: 'x'.repeat(33) } }),
    errors: ['spec.resources.limits.cpu: Too long: may not be more than 32 bytes'],
  },
  {
    title: 'an amount that is a number',
    object: withResources({ limits: { cpu: 2 } }),
    errors: [
      'spec.resources.limits.cpu: Invalid value: "integer": spec.resources.limits.cpu in body must be of type string: "integer"',
    ],
  },
  {
    title: 'too many resources',
    object: withResources({
      limits: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`example.com/r${index}`, '1'])),
    }),
    errors: ['spec.resources.limits: Too many: 9: must have at most 8 items'],
  },
  {
    title: 'a history longer than there is room for',
    object: withSpec({ source: { dockerfile }, history: { successful: 101, failed: -1 } }),
    errors: [
      'spec.history.failed: Invalid value: -1: spec.history.failed in body should be greater than or equal to 0',
      'spec.history.successful: Invalid value: 101: spec.history.successful in body should be less than or equal to 100',
    ],
  },
  {
    title: 'suspended by a text',
    object: withSpec({ source: { dockerfile }, suspend: 'yes' }),
    errors: ['spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"'],
  },
];

export const clusterCases: readonly ObjectCase[] = [
  ...secrets,
  ...output,
  ...deploying,
  ...triggers,
  ...limits,
];
