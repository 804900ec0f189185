/** Where the stand-in keeps OpenShift's objects: CRDs of the same kinds, under groups of its own. */
import type { Kind } from '../../src/kube/objects.ts';

export interface Group {
  /** As clients know it. */
  readonly name: string;
  /** Where the API server stores it. */
  readonly shadow: string;
  /** Beginning of its definitions' names in OpenShift's OpenAPI document. */
  readonly definitions: string;
}

export const groups = {
  build: {
    name: 'build.openshift.io',
    shadow: 'build.standin.edgebuild.test',
    definitions: 'com.github.openshift.api.build.v1',
  },
  image: {
    name: 'image.openshift.io',
    shadow: 'image.standin.edgebuild.test',
    definitions: 'com.github.openshift.api.image.v1',
  },
} as const satisfies Record<string, Group>;

export const allGroups: readonly Group[] = Object.values(groups);

const stored = (group: Group, kind: string, plural: string, namespaced = true): Kind => ({
  ...{ group: group.shadow, version: 'v1', kind, plural, namespaced },
});

/** As controllers of the stand-in read and write them. */
export const buildConfigs = stored(groups.build, 'BuildConfig', 'buildconfigs');
export const builds = stored(groups.build, 'Build', 'builds');
export const imageStreams = stored(groups.image, 'ImageStream', 'imagestreams');
export const images = stored(groups.image, 'Image', 'images', false);

/** An Image is named by its digest, which is no name that a CRD may have. */
export const storedImageName = (digest: string): string => digest.replace(':', '.');
