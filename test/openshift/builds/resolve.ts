/** ImageStreams named in a Build, made images of registries. */
import type { Build, BuildSpec, ImageStream, ObjectReference } from './kinds.ts';

export type Streams = (namespace: string, name: string) => ImageStream | undefined;

/** What keeps a Build in New. */
export interface Unresolved {
  readonly reason: 'InvalidOutputReference' | 'InvalidImageReference';
  readonly message: string;
}

const invalidOutput: Unresolved = {
  reason: 'InvalidOutputReference',
  message: 'Output image could not be resolved.',
};
const invalidImage: Unresolved = {
  reason: 'InvalidImageReference',
  message: 'Referenced image could not be resolved.',
};

const image = (name: string): ObjectReference => ({ kind: 'DockerImage', name });

/** The spec as a build pod is given it: every reference a DockerImage. */
export const resolved = ({ metadata, spec }: Build, streams: Streams): BuildSpec | Unresolved => {
  const home = metadata.namespace ?? '';
  const to = spec.output.to === undefined ? undefined : outputOf(spec.output.to, home, streams);
  if (spec.output.to !== undefined && to === undefined) return invalidOutput;
  const strategy = spec.strategy.dockerStrategy ?? {};
  const from = strategy.from === undefined ? undefined : inputOf(strategy.from, home, streams);
  if (strategy.from !== undefined && from === undefined) return invalidImage;
  const images = (spec.source.images ?? []).map((source) => ({ source, from: inputOf(source.from, home, streams) }));
  if (images.some((one) => one.from === undefined)) return invalidImage;
  return {
    ...spec,
    source: {
      ...spec.source,
      ...(images.length === 0 ? {} : { images: images.map((one) => ({ ...one.source, from: one.from ?? one.source.from })) }),
    },
    strategy: { ...spec.strategy, dockerStrategy: { ...strategy, ...(from === undefined ? {} : { from }) } },
    output: { ...spec.output, ...(to === undefined ? {} : { to }) },
  };
}; // prettier-ignore

const outputOf = (
  reference: ObjectReference,
  home: string,
  streams: Streams,
): ObjectReference | undefined => {
  if (reference.kind === 'DockerImage') return reference;
  const [name = '', tag = 'latest'] = reference.name.split(':');
  const repository = streams(reference.namespace ?? home, name)?.status?.dockerImageRepository ?? '';
  return repository === '' ? undefined : image(`${repository}:${tag}`);
};

const inputOf = (reference: ObjectReference, home: string, streams: Streams): ObjectReference | undefined => {
  const namespace = reference.namespace ?? home;
  switch (reference.kind) {
    case 'ImageStreamTag': {
      const [name = '', tag = ''] = reference.name.split(':');
      const tags = streams(namespace, name)?.status?.tags ?? [];
      const found = tags.find((one) => one.tag === tag)?.items?.[0]?.dockerImageReference;
      return found === undefined ? undefined : image(found);
    }
    case 'ImageStreamImage': {
      const [name = '', id = ''] = reference.name.split('@');
      const events = (streams(namespace, name)?.status?.tags ?? []).flatMap(({ items }) => items ?? []);
      const found = events.find((event) => event.image.startsWith(id))?.dockerImageReference;
      return found === undefined ? undefined : image(found);
    }
    default:
      return reference;
  }
};
