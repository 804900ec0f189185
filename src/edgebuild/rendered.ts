import type { EdgeBuild, EdgeBuildSpec } from '../api/edgebuild.ts';
import { platformNames, type PlatformName } from '../api/platforms.ts';
import { basesOf, buildPlatform, type PlatformBases } from '../engines/openshift/bases.ts';
import { baseStream } from '../engines/openshift/desired/base-stream.ts';
import { buildConfig } from '../engines/openshift/desired/build-config.ts';
import { route, service } from '../engines/openshift/desired/deployment.ts';
import { outputStream } from '../engines/openshift/desired/output-stream.ts';
import { destinationOf } from '../engines/openshift/names.ts';
import type { OpenShiftObject } from '../engines/openshift/types.ts';
import { archLabel, emulationLabelOf } from '../engines/openshift/where.ts';
import { type BuildNode, placeOf } from './nodes.ts';

/** What an EdgeBuild becomes, as far as that is known without a cluster. */
export interface Rendered {
  /** In the order in which they can be applied. Without what only a cluster knows: see {@link renderedOf}. */
  readonly objects: readonly OpenShiftObject[];
  /** What is missing there, and why: one sentence each. */
  readonly notes: readonly string[];
}

/**
 * The objects that the operator would apply for an EdgeBuild, on a cluster whose nodes are amd64 and prove that they run
 * the programs of every other platform.
 *
 * Left out, since only a cluster knows it: owner references; the digests of base images in the label of what is built; the
 * published tag; and the Deployment, whose image is one that was built.
 *
 * @throws DockerfileError, ImageNameError.
 */
export const renderedOf = ({ metadata, spec }: EdgeBuild): Rendered => {
  const { name, namespace } = metadata;
  const platforms = spec.platforms.map((platform) => {
    const bases = basesOf(spec, platform);
    return { platform, bases, place: placeOf(platform, spec.execution, [provenNode], '', bases.isCross) };
  });
  const destination = destinationOf(name, spec.output.imageStreamTag);
  const bases = platforms.flatMap((one) => one.bases.bases);
  const distinct = [...new Map(bases.map((base) => [base.tag, base])).values()];
  const configs = platforms.flatMap(({ place, ...one }) =>
    place.execution === 'Impossible'
      ? []
      : buildConfig({
          ...{ ...one, name, spec, destination, execution: place.execution },
          baseDigests: undefined,
        }),
  );
  const objects = [
    ...(distinct.length === 0 ? [] : [baseStream(name, distinct, spec)]),
    outputStream(destination, undefined, undefined),
    ...configs,
    ...reachedBy(name, spec),
  ];
  return {
    objects: objects.map((object) => within(object, namespace)),
    notes: notesOf(spec, platforms),
  };
};

/** The node of a cluster where all is possible. */
const provenNode: BuildNode = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'any',
    labels: {
      [archLabel]: buildPlatform.architecture,
      ...Object.fromEntries(
        platformNames.flatMap((name) => {
          const label = emulationLabelOf(name);
          return label === undefined ? [] : [[label, 'ready']];
        }),
      ),
    },
  },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
};

const reachedBy = (name: string, { deploy }: EdgeBuildSpec): readonly OpenShiftObject[] => {
  if (deploy?.port === undefined) return [];
  return [service(name, deploy.port), ...(deploy.expose ? [route(name, deploy.port)] : [])];
};

const within = (object: OpenShiftObject, namespace: string | undefined): OpenShiftObject => {
  if (namespace === undefined || namespace === '') return object;
  const { name, ...rest } = object.metadata;
  return { ...object, metadata: { name, namespace, ...rest } };
};

const notesOf = (
  spec: EdgeBuildSpec,
  platforms: readonly {
    readonly platform: PlatformName;
    readonly bases: PlatformBases;
    readonly place: ReturnType<typeof placeOf>;
  }[],
): readonly string[] => [
  ...platforms.flatMap(({ platform, place }) =>
    place.execution === 'Impossible' ? [`no BuildConfig for ${platform}: ${place.message}`] : [],
  ),
  ...(platforms.some(({ bases }) => bases.isUnknown)
    ? ['no ImageStream of base images: the Dockerfile is in git, and spec.baseImages names none of its FROMs']
    : []),
  ...(spec.output.deletionPolicy === 'Delete'
    ? ['the operator also makes the EdgeBuild an owner of the output ImageStream, so that it goes with it']
    : []),
  ...(spec.deploy === undefined
    ? []
    : ['no Deployment: its image is known once one was built; the operator makes it then']),
];
