import type { KubeObject } from '../kube/objects.ts';
import type { Finding } from './facts.ts';

/** What is read of a Deployment. */
export interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string }[] };
    };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly availableReplicas?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** What its pods are to be. */
export interface WantedRun {
  /** By digest; undefined: what runs may stay, what is to run next is not known yet. */
  readonly image: string | undefined;
  readonly replicas: number;
}

/**
 * Whether what was published runs.
 *
 * @param published the reference of the image that was published last.
 */
export const deployedFinding = (
  deployment: Deployment | undefined,
  wanted: WantedRun,
  published: string | undefined,
): Finding => {
  const { replicas } = wanted;
  const image = wanted.image ?? published;
  if (image === undefined)
    return { status: 'Unknown', reason: 'Pending', message: 'nothing is published yet' };
  if (deployment !== undefined && !isOf(deployment, wanted)) {
    const message = `the Deployment does not have ${replicas} pods of ${image} yet`;
    return { status: 'False', reason: 'DeployProgressing', message };
  }
  const { status, metadata } = deployment ?? {};
  const isCurrent = status?.observedGeneration === metadata?.generation && deployment !== undefined;
  const ready = Math.min(status?.availableReplicas ?? 0, status?.updatedReplicas ?? 0);
  if (isCurrent && ready >= replicas)
    return { status: 'True', reason: 'Deployed', message: `${ready} of ${replicas} pods run ${image}` };
  const failure = status?.conditions?.find(
    (one) =>
      (one.type === 'ReplicaFailure' && one.status === 'True') ||
      (one.type === 'Progressing' && one.status === 'False'),
  );
  const why = failure?.message === undefined ? '' : `: ${failure.message}`;
  return { status: 'False', reason: 'DeployProgressing', message: `${ready} of ${replicas} pods run${why}` };
};

/** OpenShift names the same image by its own registry's name, where the Deployment follows a tag. */
const digestOf = (image: string | undefined): string | undefined => image?.split('@').at(-1);

/** The digest of the image that its pods are to run; undefined: it is not there, or runs none. */
export const runningDigest = (deployment: Deployment | undefined): string | undefined =>
  digestOf(deployment?.spec?.template?.spec?.containers?.find(({ name }) => name === 'main')?.image);

const isOf = (deployment: Deployment, { image, replicas }: WantedRun): boolean =>
  deployment.spec?.replicas === replicas &&
  (image === undefined || runningDigest(deployment) === digestOf(image));
