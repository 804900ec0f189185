/** The pod that builds: of the shape that OpenShift gives it, running the stand-in's builder with the node's programs. */
import { join } from 'node:path';
import { sourceVolume } from './builder/source.ts';
import { registryVolumes } from './builder/images.ts';
import { volumes } from './builder/place.ts';
import type { Build } from './kinds.ts';
import { labelValue, podNameOf } from './names.ts';

export interface PodSettings {
  /** An image that has /bin/sh, cat and chroot. */
  readonly image: string;
  readonly detailsUrl: string;
  /** Registries that speak plain HTTP. */
  readonly insecure: readonly string[];
  readonly retryDelayMs: number;
}

const program = join(import.meta.dirname, 'builder/main.ts');
/** The node's root, seen from the container. */
const root = '/node';
/** A week: as OpenShift, where nothing is said. */
const longest = 604_800;

/** The pod's nameservers go along: the node's are others. */
const enter = `BUILD_RESOLV_CONF="$(cat /etc/resolv.conf)" exec chroot ${root} "$0" "$@"`;

/** @param build with every reference resolved, as the builder is to see it. */
export const podOf = (build: Build, settings: PodSettings) => {
  const { metadata, spec } = build;
  const { git, sourceSecret } = spec.source;
  const secretVolumes = [
    { name: registryVolumes.push, secret: spec.output.pushSecret },
    { name: registryVolumes.pull, secret: spec.strategy.dockerStrategy?.pullSecret },
    { name: sourceVolume, secret: sourceSecret },
  ].flatMap(({ name, secret }) =>
    secret === undefined ? [] : [{ name, secret: { secretName: secret.name, defaultMode: 0o600 } }],
  );
  const container = containerOf(build, settings, secretVolumes.map(({ name }) => name));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podNameOf(metadata.name),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      annotations: { 'openshift.io/build.name': metadata.name },
      labels: { 'openshift.io/build.name': labelValue(metadata.name) },
      ownerReferences: [
        {
          ...{ apiVersion: 'build.openshift.io/v1', kind: 'Build', name: metadata.name, uid: metadata.uid ?? '' },
          controller: true,
        },
      ],
    },
    spec: {
      serviceAccountName: spec.serviceAccount ?? 'builder',
      restartPolicy: 'Never',
      activeDeadlineSeconds: spec.completionDeadlineSeconds ?? longest,
      nodeSelector: { ...spec.nodeSelector, 'kubernetes.io/os': 'linux' },
      // Loopback is where the box's registry is.
      ...{ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
      initContainers: [
        ...(git === undefined ? [] : [container('git-clone', 'openshift-git-clone')]),
        container('manage-dockerfile', 'openshift-manage-dockerfile'),
      ],
      containers: [container('docker-build', 'openshift-docker-build')],
      volumes: [
        { name: 'node', hostPath: { path: '/' } },
        ...Object.values(volumes).map((name) => ({ name, emptyDir: {} })),
        ...secretVolumes,
      ],
    },
  };
}; // prettier-ignore

const containerOf =
  (build: Build, settings: PodSettings, secretVolumes: readonly string[]) => (name: string, command: string) => ({
    ...{ name, image: settings.image, imagePullPolicy: 'IfNotPresent' },
    command: ['/bin/sh', '-c', enter, process.execPath, program],
    args: [command, '--v=0'],
    env: [
      { name: 'BUILD', value: `${JSON.stringify(build)}\n` },
      { name: 'LANG', value: 'C.UTF-8' },
      { name: 'PATH', value: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: 'BUILD_DETAILS_URL', value: settings.detailsUrl },
      { name: 'BUILD_INSECURE_REGISTRIES', value: settings.insecure.join(',') },
      { name: 'BUILD_RETRY_DELAY_MS', value: String(settings.retryDelayMs) },
    ],
    resources: build.spec.resources ?? {},
    securityContext: { privileged: true, runAsUser: 0, runAsGroup: 0 },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'node', mountPath: root },
      ...Object.values(volumes).map((volume) => ({ name: volume, mountPath: `/build/${volume}` })),
      ...secretVolumes.map((volume) => ({ name: volume, mountPath: `/build/${volume}`, readOnly: true })),
    ],
  }); // prettier-ignore
