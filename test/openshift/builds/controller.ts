/** The stand-in's build controller: Builds become pods, and their pods' fate becomes their phases. */
import { busyboxImage } from '../../cluster/images.ts';
import { createClient } from '../../../src/kube/client.ts';
import { openConnection } from '../../../src/kube/connection.ts';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';
import { keyOf, type Kind, type KubeObject } from '../../../src/kube/objects.ts';
import { createStore, type Store } from '../../../src/kube/store.ts';
import { createLogger, type Logger } from '../../../src/ops/log.ts';
import { createController } from '../../../src/runtime/controller.ts';
import { serveDetails } from './details.ts';
import {
  type Build,
  builds,
  type ImageStream,
  imageStreams,
  isOver,
  phaseOf,
  type Pod,
  pods,
  secrets,
} from './kinds.ts';
import { siblingsOf } from './policy.ts';
import { reconcileBuild, takeDetails } from './reconcile.ts';

export interface BuildControllerSettings {
  /** Path, of a cluster-admin. */
  readonly kubeconfig: string;
  /** `host:port` of registries that speak plain HTTP; loopback always may. */
  readonly insecureRegistries?: readonly string[];
  /** Of build pods: any with /bin/sh and chroot. The box's busybox without it. */
  readonly image?: string;
  /** How long a build really waits between two tries of a pull or push, in milliseconds: 1000 without it. */
  readonly retryDelayMs?: number;
  readonly log?: Logger;
}

export interface BuildController {
  /** Stops it. Pods that build go on. */
  readonly close: () => Promise<void>;
}

/**
 * Returns once it follows Builds, pods, ImageStreams and Secrets. Pods report to this process by loopback, so it runs
 * where the node runs.
 */
export const startBuildController = async (settings: BuildControllerSettings): Promise<BuildController> => {
  const log = settings.log ?? createLogger({ level: 'warn', format: 'text' });
  const connection = openConnection(loadKubeConfig({ kubeconfig: settings.kubeconfig }), 'openshift-build-controller');
  const fieldManager = 'openshift-controller-manager';
  const client = createClient({ connection, fieldManager });
  const follow = <T extends KubeObject>(kind: Kind): Store<T> => createStore<T>(client, kind, { fieldManager });
  const caches = {
    builds: follow<Build>(builds),
    pods: follow<Pod>(pods),
    imageStreams: follow<ImageStream>(imageStreams),
    secrets: follow(secrets),
  };
  const details = await serveDetails((build, said) => takeDetails({ client, caches }, build, said));
  const site = {
    ...{ caches, urlOf: details.urlOf, image: settings.image ?? busyboxImage },
    insecure: settings.insecureRegistries ?? [],
    retryDelayMs: settings.retryDelayMs ?? 1000,
  };
  const keysOf = (wanted: (build: Build) => boolean) =>
    caches.builds.list().filter((build) => !isOver(phaseOf(build)) && wanted(build)).map(({ metadata }) => keyOf(metadata));
  const inNamespaceOf = ({ metadata }: KubeObject) => keysOf((build) => build.metadata.namespace === metadata.namespace);
  const controller = createController<Build>({
    ...{ name: 'build', root: caches.builds, workers: 4, timeoutMs: 60_000, log },
    mapped: [
      { store: caches.pods, keys: buildOfPod },
      { store: caches.builds, keys: (build) => siblingsOf(build as Build, caches.builds.list()).map(({ metadata }) => keyOf(metadata)) },
      { store: caches.imageStreams, keys: inNamespaceOf },
      { store: caches.secrets, keys: inNamespaceOf },
    ],
    reconcile: (request) => reconcileBuild({ ...site, client: request.client }, request.object),
  });
  const stop = new AbortController();
  const running = [
    ...Object.values(caches).map((store) => store.run(stop.signal)),
    controller.run(client, stop.signal, stop.signal),
  ];
  await Promise.all(Object.values(caches).map((store) => store.settled(stop.signal)));
  return {
    close: async () => {
      stop.abort();
      await Promise.all(running);
      await details.close();
      await connection.close();
    },
  };
}; // prettier-ignore

const buildOfPod = ({ metadata: { annotations = {}, namespace } }: KubeObject): readonly string[] => {
  const name = annotations['openshift.io/build.name'];
  return name === undefined ? [] : [keyOf({ name, ...(namespace === undefined ? {} : { namespace }) })];
};
