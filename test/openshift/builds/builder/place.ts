/** Where a build pod finds its volumes: on the node, whose root is the builder's. */
import { join } from 'node:path';
import type { Build } from '../kinds.ts';

/** Volumes of the pod, as OpenShift calls them. */
export const volumes = {
  work: 'buildworkdir',
  storage: 'container-storage-root',
  run: 'container-storage-run',
};

export interface Place {
  /** The source, in which contextDir lies. */
  readonly inputs: string;
  /** What git-clone tells manage-dockerfile. */
  readonly sourceInfo: string;
  readonly temporary: string;
  /** Of images and containers. */
  readonly storage: string;
  readonly runState: string;
  /** The directory of a secret that is mounted under this name of a volume. */
  readonly secret: (volume: string) => string;
}

const placeOf = (podUid: string): Place => {
  const volume = (type: string, name: string): string =>
    join('/var/lib/kubelet/pods', podUid, 'volumes', `kubernetes.io~${type}`, name);
  const directory = (name: string): string => volume('empty-dir', name);
  return {
    inputs: join(directory(volumes.work), 'inputs'),
    sourceInfo: join(directory(volumes.work), 'sourceinfo.json'),
    temporary: join(directory(volumes.work), 'tmp'),
    storage: directory(volumes.storage),
    runState: directory(volumes.run),
    secret: (name) => volume('secret', name),
  };
};

interface Person {
  readonly name: string;
  readonly email: string;
}
/** Of the commit that was cloned. */
export interface SourceInfo {
  readonly commit: string;
  readonly ref: string;
  readonly message: string;
  readonly date: string;
  readonly author: Person;
  readonly committer: Person;
}

/** What the controller tells a build pod by its environment. */
export interface Surroundings {
  readonly build: Build;
  readonly place: Place;
  /** Where details of the Build are put. */
  readonly detailsUrl: string;
  /** Registries that speak plain HTTP. */
  readonly insecure: readonly string[];
  /** How long it really waits between two tries of a pull or push: it says 5 s. */
  readonly retryDelayMs: number;
}

export const surroundingsOf = (environment: NodeJS.ProcessEnv): Surroundings => ({
  build: JSON.parse(environment['BUILD'] ?? '{}') as Build,
  place: placeOf(environment['POD_UID'] ?? ''),
  detailsUrl: environment['BUILD_DETAILS_URL'] ?? '',
  insecure: (environment['BUILD_INSECURE_REGISTRIES'] ?? '').split(',').filter((name) => name !== ''),
  retryDelayMs: Number(environment['BUILD_RETRY_DELAY_MS'] ?? '1000'),
});
