/** OpenShift's objects, as far as the stand-in reads them: what it does not name passes through untouched. */
import type { KubeObject } from '../../src/kube/objects.ts';

export interface ObjectReference {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
}

export interface LocalReference {
  readonly name?: string;
}

export interface ImageSourcePath {
  readonly sourcePath?: string;
  readonly destinationDir?: string;
}

export interface ImageSource {
  readonly from?: ObjectReference;
  readonly as?: readonly string[] | null;
  readonly paths?: readonly ImageSourcePath[] | null;
  readonly pullSecret?: LocalReference;
}

export interface DockerStrategy {
  readonly from?: ObjectReference;
  readonly pullSecret?: LocalReference;
  readonly noCache?: boolean;
  readonly env?: readonly EnvVar[] | null;
  readonly buildArgs?: readonly EnvVar[] | null;
  readonly dockerfilePath?: string;
}

export interface Strategy {
  readonly type?: string;
  readonly dockerStrategy?: DockerStrategy;
  readonly sourceStrategy?: object;
  readonly customStrategy?: object;
  readonly jenkinsPipelineStrategy?: object;
}

export interface Source {
  readonly type?: string;
  readonly git?: { readonly uri?: string; readonly ref?: string };
  readonly binary?: object;
  readonly dockerfile?: string;
  readonly contextDir?: string;
  readonly sourceSecret?: LocalReference;
  readonly images?: readonly ImageSource[] | null;
}

/** What a BuildConfig and its Builds share. */
export interface CommonSpec {
  readonly serviceAccount?: string;
  readonly source?: Source;
  readonly revision?: object;
  readonly strategy?: Strategy;
  readonly output?: {
    readonly to?: ObjectReference;
    readonly pushSecret?: LocalReference;
    readonly imageLabels?: readonly { readonly name?: string }[] | null;
  };
  readonly resources?: object;
  readonly postCommit?: {
    readonly command?: readonly string[] | null;
    readonly args?: readonly string[] | null;
    readonly script?: string;
  };
  readonly completionDeadlineSeconds?: number;
  readonly nodeSelector?: Readonly<Record<string, string>> | null;
  readonly mountTrustedCA?: boolean;
}

export interface WebHookTrigger {
  readonly secret?: string;
  readonly secretReference?: LocalReference;
  readonly allowEnv?: boolean;
}

export interface Trigger {
  readonly type?: string;
  readonly imageChange?: {
    readonly from?: ObjectReference;
    readonly paused?: boolean;
    readonly lastTriggeredImageID?: string;
  };
  readonly github?: WebHookTrigger;
  readonly gitlab?: WebHookTrigger;
  readonly bitbucket?: WebHookTrigger;
  readonly generic?: WebHookTrigger;
}

export interface ImageChangeStatus {
  readonly from: { readonly name?: string; readonly namespace?: string };
  readonly lastTriggeredImageID?: string;
  /** null for a trigger that did not start the last build. */
  readonly lastTriggerTime?: string | null;
}

/** Of the generation that clients are shown: the CRD's own counts changes of the status too. */
interface Remembered {
  readonly standin?: { readonly generation?: number };
}

export interface BuildConfig extends KubeObject, Remembered {
  readonly spec?: CommonSpec & {
    readonly triggers?: readonly Trigger[] | null;
    readonly runPolicy?: string;
    readonly successfulBuildsHistoryLimit?: number;
    readonly failedBuildsHistoryLimit?: number;
  };
  readonly status?: {
    readonly lastVersion?: number;
    readonly imageChangeTriggers?: readonly ImageChangeStatus[] | null;
  };
}

export interface Build extends KubeObject, Remembered {
  readonly spec?: CommonSpec & { readonly triggeredBy?: readonly object[] | null };
  readonly status?: {
    readonly phase?: string;
    readonly cancelled?: boolean;
    readonly config?: ObjectReference;
    readonly completionTimestamp?: string | null;
    readonly [field: string]: unknown;
  };
}

export interface ImportPolicy {
  readonly insecure?: boolean;
  readonly scheduled?: boolean;
  readonly importMode?: string;
}

export interface TagReference {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly from?: ObjectReference;
  readonly reference?: boolean;
  readonly generation?: number | null;
  readonly importPolicy?: ImportPolicy;
  readonly referencePolicy?: { readonly type?: string };
}

export interface TagEvent {
  readonly created: string;
  readonly dockerImageReference: string;
  readonly image: string;
  readonly generation: number;
}

export interface TagCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
  readonly generation: number;
}

export interface TagHistory {
  readonly tag: string;
  readonly items: readonly TagEvent[] | null;
  readonly conditions?: readonly TagCondition[];
}

export interface ImageStream extends KubeObject, Remembered {
  readonly spec?: {
    readonly lookupPolicy?: { readonly local?: boolean };
    readonly tags?: readonly TagReference[] | null;
  };
  readonly status?: {
    readonly dockerImageRepository?: string;
    readonly tags?: readonly TagHistory[] | null;
  };
}

export interface Image extends KubeObject {
  readonly dockerImageReference?: string;
  readonly dockerImageMetadata?: object;
  readonly dockerImageMetadataVersion?: string;
  readonly dockerImageManifestMediaType?: string;
  readonly dockerImageLayers?: readonly object[];
  readonly dockerImageManifests?: readonly { readonly digest: string }[];
}

export interface BuildRequest {
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly revision?: object;
  readonly triggeredByImage?: ObjectReference;
  readonly from?: ObjectReference;
  readonly lastVersion?: number | null;
  readonly env?: readonly EnvVar[] | null;
  readonly triggeredBy?: readonly object[] | null;
  readonly dockerStrategyOptions?: {
    readonly buildArgs?: readonly EnvVar[] | null;
    readonly noCache?: boolean | null;
  };
}
