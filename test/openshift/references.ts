/** What an object reference in a BuildConfig means now: an image by digest, if it names a tag. */
import type { Api } from './api.ts';
import { Refusal } from './errors.ts';
import { parseImageName, parseTagName } from './image-names.ts';
import { readImageStream } from './paths.ts';
import type { ImageStream, ObjectReference } from './shapes.ts';
import { eventAt, pullSpecOf } from './tag-events.ts';

/** @throws Refusal 422, as OpenShift words it. */
export const resolveImage = async (
  api: Api,
  namespace: string,
  { kind = '', name = '', namespace: elsewhere = namespace }: ObjectReference,
): Promise<string> => {
  if (kind === 'DockerImage') return name;
  const unresolved = (why: string): Refusal => {
    const message = `Error resolving ${kind} ${name} in namespace ${elsewhere}: ${why}`;
    return new Refusal(422, 'Invalid', message, { name, kind, causes: [{ message, field: 'from' }] });
  };
  const parsed = kind === 'ImageStreamTag' ? parseTagName(name) : parseImageName(name);
  if (parsed === undefined) throw unresolved(`unknown reference ${kind} ${name}`);
  let stream: ImageStream;
  try {
    stream = await readImageStream(api, elsewhere, parsed.stream);
  } catch (error) {
    throw unresolved(error instanceof Error ? error.message : String(error));
  }
  const found =
    'tag' in parsed ? pullSpecOf(stream, parsed.tag) : eventAt(stream, parsed)?.dockerImageReference;
  if (found === undefined) throw unresolved('unable to find latest tagged image');
  return found;
};
