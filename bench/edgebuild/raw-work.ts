import { edgeBuildKind } from '../../src/api/edgebuild.ts';
import { validateEdgeBuild } from '../../src/api/validate.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { renderedOf } from '../../src/edgebuild/rendered.ts';
import { labelKeys } from '../../src/engines/openshift/names.ts';
import type { OpenShiftObject } from '../../src/engines/openshift/types.ts';
import type { RawCall } from '../raw.ts';

/** What bench/edgebuild-raw.ts sends, as JSON. */
export interface RawWork {
  readonly namespace: string;
  readonly all: readonly RawEdgeBuild[];
}

/** Of one EdgeBuild: steps one after the other. */
export interface RawEdgeBuild {
  readonly baseStream: string;
  readonly first: readonly RawWrite[];
  /** Once the base stream's image is imported. */
  readonly then: readonly RawWrite[];
}

export interface RawWrite extends RawCall {
  readonly method: 'PATCH' | 'POST';
  readonly body: object;
}

const query = (manager: string): string => `?fieldManager=${manager}&force=true`;

/**
 * The writes that the operator makes for an EdgeBuild until its build is there, in the same order.
 *
 * @param template an EdgeBuild that the operator has brought so far, for its status.
 */
export const rawWorkOf = (object: StoredEdgeBuild, template: StoredEdgeBuild): RawEdgeBuild => {
  const { namespace = '', name } = object.metadata;
  const verdict = validateEdgeBuild(object);
  if ('faults' in verdict) throw new Error(JSON.stringify(verdict.faults));
  const [bases, output, config] = renderedOf(verdict.edgeBuild).objects;
  if (bases === undefined || output === undefined || config === undefined)
    throw new Error('there is no child');
  const apply = (one: OpenShiftObject, plural: string, manager = 'edgebuild'): RawWrite => ({
    method: 'PATCH',
    path: `/apis/${one.apiVersion}/namespaces/${namespace}/${plural}/${one.metadata.name}${query(manager)}`,
    body: one,
  });
  const status = (stage: string): RawWrite => statusOf(object, template, stage);
  return {
    baseStream: bases.metadata.name,
    first: [
      apply(output, 'imagestreams', `edgebuild-${name}`),
      apply(owned(bases, object), 'imagestreams'),
      status('the base image is imported'),
    ],
    then: [
      apply(owned(withDigests(config), object), 'buildconfigs'),
      instantiate(namespace, config),
      status('a build is started'),
      status('the build is there'),
      event(object),
    ],
  };
};

const owned = (child: OpenShiftObject, { apiVersion, metadata: { name, uid = '' } }: StoredEdgeBuild) => {
  const owner = { apiVersion, kind: edgeBuildKind, name, uid, controller: true, blockOwnerDeletion: true };
  return { ...child, metadata: { ...child.metadata, ownerReferences: [owner] } };
};

/** As long as with what is known once the base is imported. */
const withDigests = (config: OpenShiftObject): OpenShiftObject => {
  const { labels = {} } = config.metadata;
  const inputs = `${labels[labelKeys.inputs] ?? ''}-${'0'.repeat(12)}`;
  return { ...config, metadata: { ...config.metadata, labels: { ...labels, [labelKeys.inputs]: inputs } } };
};

const instantiate = (namespace: string, { apiVersion, metadata: { name } }: OpenShiftObject): RawWrite => ({
  method: 'POST',
  path: `/apis/${apiVersion}/namespaces/${namespace}/buildconfigs/${name}/instantiate?fieldManager=edgebuild`,
  body: {
    ...{ apiVersion, kind: 'BuildRequest', metadata: { name }, lastVersion: 0 },
    triggeredBy: [{ message: 'EdgeBuild, for 000000000000-000000000000' }],
  },
});

/** Each stage writes another one, so that the server stores each. */
const statusOf = (
  { apiVersion, metadata: { namespace = '', name, generation = 1 } }: StoredEdgeBuild,
  { status }: StoredEdgeBuild,
  message: string,
): RawWrite => ({
  method: 'PATCH',
  path: `/apis/${apiVersion}/namespaces/${namespace}/edgebuilds/${name}/status${query('edgebuild')}`,
  body: {
    ...{ apiVersion, kind: edgeBuildKind, metadata: { namespace, name } },
    status: {
      ...status,
      observedGeneration: generation,
      platforms: status?.platforms?.map((platform) => ({ ...platform, message })),
    },
  },
});

const event = ({ apiVersion, metadata }: StoredEdgeBuild): RawWrite => {
  const { namespace = '', name, uid = '' } = metadata;
  return {
    method: 'POST',
    path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events?fieldManager=edgebuild`,
    body: {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { namespace, name: `${name}.raw` } },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      ...{ type: 'Normal', reason: 'BuildStarted', action: 'Build', note: `linux/arm64: build ${name}-arm64-1` },
      ...{ reportingController: 'edgebuild.io/operator', reportingInstance: 'raw' },
      regarding: { apiVersion, kind: edgeBuildKind, namespace, name, uid },
    },
  };
}; // prettier-ignore
