/** Builds and what they refer to, as OpenShift serves them and as the stand-in stores them: under groups of its own. */
import type { Kind, KubeObject } from '../../../src/kube/objects.ts';

export { builds, imageStreams } from '../groups.ts';

const core = (kind: string, plural: string): Kind => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
export const pods = core('Pod', 'pods');
export const secrets = core('Secret', 'secrets');
export const serviceAccounts = core('ServiceAccount', 'serviceaccounts');

export interface ObjectReference {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}
export interface Named {
  readonly name: string;
}
export interface NameValue {
  readonly name: string;
  readonly value?: string;
}

interface ImageSource {
  readonly from: ObjectReference;
  readonly as?: readonly string[] | null;
}

export interface DockerStrategy {
  readonly from?: ObjectReference;
  readonly pullSecret?: Named;
  readonly noCache?: boolean;
  readonly env?: readonly NameValue[];
  readonly dockerfilePath?: string;
  readonly buildArgs?: readonly NameValue[];
}

export interface BuildSpec {
  readonly serviceAccount?: string;
  readonly source: {
    readonly git?: { readonly uri: string; readonly ref?: string };
    readonly dockerfile?: string;
    readonly contextDir?: string;
    readonly sourceSecret?: Named;
    readonly images?: readonly ImageSource[];
  };
  readonly strategy: { readonly type?: string; readonly dockerStrategy?: DockerStrategy };
  readonly output: {
    readonly to?: ObjectReference;
    readonly pushSecret?: Named;
    readonly imageLabels?: readonly NameValue[];
  };
  readonly postCommit?: {
    readonly script?: string;
    readonly command?: readonly string[];
    readonly args?: readonly string[];
  };
  readonly revision?: Revision;
  readonly resources?: object;
  readonly completionDeadlineSeconds?: number;
  readonly nodeSelector?: Readonly<Record<string, string>> | null;
}

export interface Revision {
  readonly type?: string;
  readonly git?: {
    readonly commit?: string;
    readonly message?: string;
    readonly author?: { readonly name?: string; readonly email?: string };
    readonly committer?: { readonly name?: string; readonly email?: string };
  };
}

export type Phase = 'New' | 'Pending' | 'Running' | 'Complete' | 'Failed' | 'Error' | 'Cancelled';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly lastUpdateTime: string;
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Step {
  readonly name: string;
  readonly startTime: string;
  readonly durationMilliseconds: number;
}
export interface Stage extends Step {
  readonly steps: readonly Step[];
}

export interface BuildStatus {
  readonly phase: Phase;
  readonly reason?: string;
  readonly message?: string;
  readonly cancelled?: boolean;
  readonly startTimestamp?: string;
  readonly completionTimestamp?: string;
  /** Nanoseconds. */
  readonly duration?: number;
  readonly outputDockerImageReference?: string;
  readonly config?: ObjectReference;
  readonly output?: { readonly to?: { readonly imageDigest?: string } };
  readonly stages?: readonly Stage[];
  readonly conditions?: readonly Condition[];
  readonly logSnippet?: string;
}

export interface Build extends KubeObject {
  readonly spec: BuildSpec;
  readonly status?: BuildStatus;
}

interface TagEvent {
  readonly image: string;
  readonly dockerImageReference?: string;
}

export interface ImageStream extends KubeObject {
  readonly status?: {
    readonly dockerImageRepository?: string;
    readonly tags?: readonly { readonly tag: string; readonly items?: readonly TagEvent[] | null }[] | null;
  };
}

interface ContainerState {
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly message?: string };
}
interface ContainerStatus {
  readonly name: string;
  readonly state?: ContainerState;
}

export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    readonly reason?: string;
    readonly message?: string;
    readonly startTime?: string;
    readonly conditions?: readonly object[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export const phaseOf = ({ status }: Build): Phase => status?.phase ?? 'New';
export const isOver = (phase: Phase): boolean => !['New', 'Pending', 'Running'].includes(phase);

/** What a build pod may say of its Build: OpenShift's subresource builds/details. */
export interface Details {
  readonly phase?: 'Failed';
  readonly reason?: string;
  readonly message?: string;
  readonly imageDigest?: string;
  readonly stages?: readonly Stage[];
  readonly revision?: Revision;
}
