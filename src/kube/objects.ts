/** Where a kind is served. `plural` is its name in URLs. */
export interface Kind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Nothing but metadata is asked for: what an object holds never comes here. */
  readonly isMetadataOnly?: boolean;
}

/** What every object of every kind has. The rest is the kind's own, and is never touched here: raw JSON both ways. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Which object of a kind: `namespace` is absent for cluster-scoped kinds. */
export interface Name {
  readonly namespace?: string;
  readonly name: string;
}

/** "namespace/name", or "name": how an object of a kind is known in caches and queues. */
export type Key = string;

export const keyOf = ({ namespace, name }: Name): Key =>
  namespace === undefined ? name : `${namespace}/${name}`;

export const apiVersionOf = ({ group, version }: Kind): string =>
  group === '' ? version : `${group}/${version}`;

/** As RBAC and error messages name a kind: "buildconfigs.build.openshift.io". */
export const resourceOf = ({ group, plural }: Kind): string => (group === '' ? plural : `${plural}.${group}`);

/**
 * Whether `one` is older than `other`; undefined when it cannot be told.
 *
 * resourceVersions of one resource are whole decimal numbers that grow, and may be compared, since Kubernetes 1.35
 * (KEP-5504), and were so in practice before. What an aggregated server makes up is compared with nothing.
 */
export const isOlder = (one: string | undefined, other: string | undefined): boolean | undefined => {
  if (one === undefined || other === undefined || !isDecimal(one) || !isDecimal(other)) return undefined;
  return one.length === other.length ? one < other : one.length < other.length;
};

const isDecimal = (text: string): boolean => /^[1-9]\d*$/.test(text);
