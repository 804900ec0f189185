/** What imports make of an ImageStream: pure. */
import type { Imported } from './image-import.ts';
import type { ImageStream, ImportPolicy, TagReference } from './shapes.ts';
import { historyOf, latestEvent, specTagOf, withEvent, withFailure } from './tag-events.ts';

export interface TagImport {
  readonly tag: string;
  /** A DockerImage's name. */
  readonly from: string;
  readonly importPolicy: ImportPolicy | undefined;
  readonly referencePolicy: TagReference['referencePolicy'];
  readonly imported: Imported;
}

/** When the import was done last; the stream itself where nothing has changed. */
const checked = 'openshift.io/image.dockerRepositoryCheck';

/** @param time RFC 3339 */
export const withImports = (
  stream: ImageStream,
  imports: readonly TagImport[],
  time: string,
): ImageStream => {
  const generation = (stream.standin?.generation ?? 0) + 1;
  const changed = imports.reduce((before, one) => withImport(before, one, generation, time), stream);
  if (changed === stream) return stream;
  const { metadata } = changed;
  return { ...changed, metadata: { ...metadata, annotations: { ...metadata.annotations, [checked]: time } } };
};

const withImport = (stream: ImageStream, one: TagImport, generation: number, time: string): ImageStream => {
  const { tag, imported } = one;
  const specTag = specTagOf(stream, tag);
  if ('failure' in imported) {
    const { reason, message } = imported.failure;
    const known = historyOf(stream, tag)?.conditions?.at(0);
    const isKnown = known?.reason === reason && known.message === message;
    if (isKnown && specTag?.generation === known.generation) return stream;
    return withFailure(withSpecTag(stream, one), tag, {
      ...{ type: 'ImportSuccess', status: 'False', lastTransitionTime: time, reason, message, generation },
    });
  }
  const { name: image } = imported.image.metadata;
  const dockerImageReference = imported.image.dockerImageReference ?? '';
  const latest = latestEvent(stream, tag);
  const isSame =
    latest?.image === image &&
    latest.dockerImageReference === dockerImageReference &&
    latest.generation === specTag?.generation &&
    (historyOf(stream, tag)?.conditions ?? []).length === 0;
  if (isSame) return stream;
  return withEvent(withSpecTag(stream, one), tag, {
    ...{ created: time, dockerImageReference, image, generation },
  });
};

const withSpecTag = (
  stream: ImageStream,
  { tag, from, importPolicy, referencePolicy }: TagImport,
): ImageStream => {
  const before = specTagOf(stream, tag);
  const next: TagReference = {
    ...before,
    // The server sets it, to what the stream's becomes by this write: that of the event.
    ...{ name: tag, from: { kind: 'DockerImage', name: from }, generation: 0 },
    ...(importPolicy === undefined ? {} : { importPolicy }),
    ...(referencePolicy === undefined ? {} : { referencePolicy }),
  };
  const others = (stream.spec?.tags ?? []).filter(({ name }) => name !== tag);
  return { ...stream, spec: { ...stream.spec, tags: [...others, next] } };
};
