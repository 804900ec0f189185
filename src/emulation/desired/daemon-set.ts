import type { EmulatedName } from '../../api/architecture-names.ts';
import type { NodeEmulationSpec } from '../../api/node-emulation.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { architectureCalled } from '../architectures.ts';
import { agentName, agentNamespace } from '../kinds.ts';

/** Of a pod: register or remove. */
export const modeLabel = 'edgebuild.io/agent-mode';
/** Of the DaemonSet in mode remove: since when, RFC 3339. */
export const removalSinceAnnotation = 'edgebuild.io/removal-since';
/** Runs, and is ready, where `remove` has succeeded. */
export const removedContainer = 'removed';

/** A container's name is a DNS label. */
export const proverOf = (name: EmulatedName): string => `prove-${name.replaceAll('_', '-')}`;

const labels = {
  'app.kubernetes.io/name': agentName,
  'app.kubernetes.io/part-of': 'edgebuild',
  'app.kubernetes.io/component': 'node-emulation',
  'app.kubernetes.io/managed-by': 'edgebuild',
} as const;

/** Agents are for linux/amd64 alone, whatever else is asked of a node. */
export const platformSelector = { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' } as const;

export interface Registering {
  readonly image: string;
  /** Sorted, none twice, at least one. */
  readonly architectures: readonly EmulatedName[];
  readonly spec: NodeEmulationSpec;
  /** How many nodes may be without an available agent while others replace theirs: a count, or a percentage of nodes. */
  readonly maxUnavailable: number | string;
}

export interface Removing {
  readonly image: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly since: string;
}

/**
 * Registers, proves and repairs. One privileged container does; one without any right for each architecture proves, and
 * what is known of the node is what the kubelet says of those: ready, or their termination message.
 */
export const registeringDaemonSet = ({
  image,
  architectures,
  spec,
  maxUnavailable,
}: Registering): KubeObject =>
  daemonSet({
    maxUnavailable,
    mode: 'register',
    pod: {
      nodeSelector: { ...spec.nodeSelector, ...platformSelector },
      // The API server drops an empty list: it would look like drift for ever.
      ...(spec.tolerations.length === 0 ? {} : { tolerations: spec.tolerations }),
      containers: [
        {
          name: 'agent',
          image,
          command: program('agent.sh', 'register', ...architectures.map(emulatorNamed)),
          env: [
            { name: 'FLAGS', value: spec.credentials ? 'PFC' : 'PF' },
            { name: 'FOREIGN_HANDLERS', value: spec.foreignHandlers },
          ],
          securityContext: privileged,
          resources: resourcesOf(spec, architectures.length),
          terminationMessagePolicy: 'FallbackToLogsOnError',
          volumeMounts: [
            binfmtMount,
            { name: 'run', mountPath: filesDirectory },
            { name: 'state', mountPath: '/state' },
            { name: 'own', mountPath: '/own', readOnly: true },
          ],
        },
        ...architectures.map((name) => prover(image, name)),
      ],
      volumes: [
        binfmtVolume,
        { name: 'run', hostPath: { path: filesDirectory, type: 'DirectoryOrCreate' } },
        { name: 'state', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'own', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      ],
    },
  });

/** Takes away what agents registered, from every node that had one, whatever its taints are by now. */
export const removingDaemonSet = ({ image, nodeSelector, since }: Removing): KubeObject =>
  daemonSet({
    annotations: { [removalSinceAnnotation]: since },
    maxUnavailable: '100%',
    mode: 'remove',
    pod: {
      nodeSelector: { ...nodeSelector, ...platformSelector },
      tolerations: [{ operator: 'Exists' }],
      initContainers: [
        {
          name: 'remove',
          image,
          command: program('agent.sh', 'remove'),
          securityContext: privileged,
          resources: { requests: { cpu: '5m', memory: '4Mi' }, limits: { memory: '32Mi' } },
          terminationMessagePolicy: 'FallbackToLogsOnError',
          volumeMounts: [binfmtMount, { name: 'run', mountPath: '/run' }],
        },
      ],
      containers: [
        {
          name: removedContainer,
          image,
          command: ['/bin/sh', '-c', "trap 'exit 0' TERM; sleep 2147483647 & wait"],
          securityContext: confined,
          resources: { requests: { cpu: '1m', memory: '2Mi' }, limits: { memory: '16Mi' } },
        },
      ],
      // All of /run, for a directory that is a mount point cannot be removed.
      volumes: [binfmtVolume, { name: 'run', hostPath: { path: '/run', type: 'Directory' } }],
    },
  });

const daemonSet = ({
  annotations = {},
  maxUnavailable,
  mode,
  pod,
}: {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly maxUnavailable: number | string;
  readonly mode: 'register' | 'remove';
  readonly pod: object;
}): KubeObject & { readonly spec: object } => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: {
    ...{ name: agentName, namespace: agentNamespace, labels },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  },
  spec: {
    selector: { matchLabels: { 'app.kubernetes.io/name': agentName } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } },
    template: {
      metadata: {
        labels: { ...labels, [modeLabel]: mode },
        // OpenShift: no other one, even if more are allowed.
        annotations: { 'openshift.io/required-scc': 'privileged' },
      },
      spec: {
        serviceAccountName: agentName,
        priorityClassName: agentName,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 5,
        ...pod,
      },
    },
  },
});

const program = (file: string, ...args: readonly string[]): readonly string[] => [
  '/bin/sh',
  `/opt/edgebuild/${file}`,
  ...args,
];

/** QEMU's name, as in the table of the agent's image. */
const emulatorNamed = (name: EmulatedName): string => architectureCalled(name).name;

/** Where emulators lie on a node. The same path in the agent: it stands in the entries. */
const filesDirectory = '/run/edgebuild';

/** Mounts may not be made below /proc of a container; what is mounted below this one, the node keeps. */
const binfmtMount = {
  name: 'host-sys-fs',
  mountPath: '/host/sys/fs',
  mountPropagation: 'Bidirectional',
} as const;
const binfmtVolume = { name: 'host-sys-fs', hostPath: { path: '/proc/sys/fs', type: 'Directory' } } as const;

const privileged = { privileged: true, runAsUser: 0, readOnlyRootFilesystem: true } as const;

/** What an ordinary container has, and no more: an SELinux or seccomp denial of such a one shows. */
const confined = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65_532,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Emulators lie in memory, on the tmpfs /run: some 13 MiB each. To unpack them takes 70 MiB. */
const resourcesOf = ({ resources }: NodeEmulationSpec, architectures: number): object => ({
  requests: resources.requests ?? { cpu: '5m', memory: '16Mi' },
  limits: resources.limits ?? { memory: `${String(128 + 16 * architectures)}Mi` },
});

const prover = (image: string, name: EmulatedName): object => ({
  name: proverOf(name),
  image,
  command: program('prove.sh', emulatorNamed(name)),
  securityContext: confined,
  resources: { requests: { cpu: '1m', memory: '4Mi' }, limits: { memory: '64Mi' } },
  // Run until it succeeds once: a container that proves costs no more than what it runs itself.
  startupProbe: {
    exec: { command: program('prove.sh', 'ready') },
    periodSeconds: 2,
    timeoutSeconds: 5,
    failureThreshold: 2_147_483_647,
  },
  volumeMounts: [
    { name: 'state', mountPath: '/state', readOnly: true },
    { name: 'own', mountPath: '/own', subPath: emulatorNamed(name) },
  ],
});
