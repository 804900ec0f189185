import { edgeBuildKind, group, version } from '../api/edgebuild.ts';
import type { EdgeBuildStatus } from '../api/edgebuild.ts';
import type { Kind, KubeObject } from '../kube/objects.ts';

export const edgeBuilds: Kind = {
  group,
  version,
  kind: edgeBuildKind,
  plural: 'edgebuilds',
  namespaced: true,
};

/** An EdgeBuild as the API server has it. */
export interface StoredEdgeBuild extends KubeObject {
  readonly spec: object;
  readonly status?: EdgeBuildStatus;
}

/** OpenShift's: https://docs.openshift.com/container-platform/latest/rest_api/workloads_apis/workloads-apis-index.html */
const ofBuilds = { group: 'build.openshift.io', version: 'v1', namespaced: true } as const;
const ofImages = { group: 'image.openshift.io', version: 'v1', namespaced: true } as const;
export const buildConfigs: Kind = { ...ofBuilds, kind: 'BuildConfig', plural: 'buildconfigs' };
export const builds: Kind = { ...ofBuilds, kind: 'Build', plural: 'builds' };
export const imageStreams: Kind = { ...ofImages, kind: 'ImageStream', plural: 'imagestreams' };
/** Has no watch, and its list says nothing of images: read one at a time. */
export const imageStreamTags: Kind = { ...ofImages, kind: 'ImageStreamTag', plural: 'imagestreamtags' };
/** An image by `stream@digest`. */
export const imageStreamImages: Kind = { ...ofImages, kind: 'ImageStreamImage', plural: 'imagestreamimages' };
export const imageStreamImports: Kind = {
  ...{ ...ofImages, kind: 'ImageStreamImport', plural: 'imagestreamimports' },
};
export const routes: Kind = {
  ...{ group: 'route.openshift.io', version: 'v1', kind: 'Route', plural: 'routes', namespaced: true },
};
export const deployments: Kind = {
  ...{ group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
};
export const services: Kind = {
  ...{ group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true },
};
export const pods: Kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
