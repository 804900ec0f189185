/**
 * What is read and written of OpenShift's objects, as plain data; fields that nothing here reads are left out.
 *
 * Source: github.com/openshift/api build/v1 and image/v1, and what an openshift-apiserver 4.21 answered.
 */
export interface OpenShiftObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
      readonly controller?: boolean;
    }[];
  };
}

interface BuildCommonSpec {
  readonly source?: {
    readonly sourceSecret?: { readonly name: string };
  };
  readonly strategy?: { readonly dockerStrategy?: { readonly pullSecret?: { readonly name: string } } };
  readonly nodeSelector?: Readonly<Record<string, string>> | null;
  readonly completionDeadlineSeconds?: number;
  readonly resources?: object;
  readonly output?: { readonly to?: { readonly kind?: string; readonly name?: string } };
}

export interface BuildConfig extends OpenShiftObject {
  readonly spec: BuildCommonSpec;
  readonly status?: { readonly lastVersion?: number };
}

export const buildPhases = [
  ...(['New', 'Pending', 'Running', 'Complete', 'Failed', 'Error', 'Cancelled'] as const),
];
export type BuildPhase = (typeof buildPhases)[number];

export interface Build extends OpenShiftObject {
  readonly spec: BuildCommonSpec;
  readonly status?: {
    readonly phase?: BuildPhase;
    readonly cancelled?: boolean;
    /** Absent on success. */
    readonly reason?: string;
    readonly message?: string;
    /** The last lines of a failed build's log: classified here, and never shown, since secrets may be in it. */
    readonly logSnippet?: string;
    /** RFC 3339. */
    readonly startTimestamp?: string;
    readonly completionTimestamp?: string;
    /** Nanoseconds. */
    readonly duration?: number;
    /** May be missing after success. It comes before the phase Complete. */
    readonly output?: { readonly to?: { readonly imageDigest?: string } };
  };
}

/** The pod of a build: what a Build itself does not say. */
export interface BuildPod extends OpenShiftObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
}

interface TagEvent {
  /** The digest. */
  readonly image: string;
  readonly dockerImageReference: string;
  /** Of the spec tag, when this was imported. */
  readonly generation: number;
}

interface TagCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly generation: number;
}

/** A tag as `spec.tags` has it. */
export interface TagReference {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly from?: { readonly kind: string; readonly name: string };
  readonly generation?: number | null;
  readonly importPolicy?: {
    readonly importMode?: string;
    readonly scheduled?: boolean;
    readonly insecure?: boolean;
  };
  readonly referencePolicy?: { readonly type: string };
}

export interface ImageStream extends OpenShiftObject {
  readonly spec?: { readonly tags?: readonly TagReference[] | null };
  readonly status?: {
    /** `registry/namespace/name`; absent where there is no internal registry. */
    readonly dockerImageRepository?: string;
    readonly tags?:
      | readonly {
          readonly tag: string;
          /** The latest first. */
          readonly items?: readonly TagEvent[] | null;
          readonly conditions?: readonly TagCondition[];
        }[]
      | null;
  };
}

/** GET of one ImageStreamTag: an image, with its configuration. */
export interface ImageStreamTag extends OpenShiftObject {
  readonly image: {
    readonly metadata: { readonly name: string };
    readonly dockerImageReference?: string;
    readonly dockerImageManifestMediaType?: string;
    /** Absent, or without an architecture, for an index. */
    readonly dockerImageMetadata?: {
      readonly Architecture?: string;
      readonly Os?: string;
      readonly Variant?: string;
      readonly Size?: number;
    };
  };
}

/** What an image says that it is, read from its configuration. */
export interface ImageFacts {
  readonly digest: string;
  /** Empty for an index. */
  readonly architecture: string;
}
