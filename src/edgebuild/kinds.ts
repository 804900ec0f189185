import { edgeBuildKind, group, version } from '../api/edgebuild.ts';
import type { Kind } from '../kube/objects.ts';

export const edgeBuilds: Kind = {
  group,
  version,
  kind: edgeBuildKind,
  plural: 'edgebuilds',
  namespaced: true,
};

/** OpenShift's: https://docs.openshift.com/container-platform/latest/rest_api/workloads_apis/workloads-apis-index.html */
export const buildConfigs: Kind = {
  group: 'build.openshift.io',
  version: 'v1',
  kind: 'BuildConfig',
  plural: 'buildconfigs',
  namespaced: true,
};
