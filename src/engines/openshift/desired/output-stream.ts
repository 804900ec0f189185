import { type Destination, labelsOf } from '../names.ts';
import type { OpenShiftObject, TagReference } from '../types.ts';

export interface OutputOwner {
  readonly name: string;
  readonly uid: string;
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * The ImageStream that builds push to and users pull from. It stays when its EdgeBuild goes, unless that says otherwise; so
 * several can publish to it, each a tag of its own.
 *
 * @param digest what the tag is to mean; undefined: nothing was ever published.
 * @param children what other tags are to mean: the images of an index, by tag.
 * @param owner of whom it is a part, if it goes with its EdgeBuild.
 * @param wording how the image is named. Where somebody has pushed to the tag meanwhile, only another name than before moves
 *   it back [openshift-apiserver, imagestream strategy.go].
 */
export const outputStream = (
  { stream, tag }: Destination,
  digest: string | undefined,
  owner: OutputOwner | undefined,
  wording: ImageWording = 'within the stream',
  children: Readonly<Record<string, string>> = {},
): OpenShiftObject & { readonly spec: { readonly tags?: readonly TagReference[] } } => ({
  apiVersion: 'image.openshift.io/v1',
  kind: 'ImageStream',
  metadata: {
    name: stream,
    labels: managedLabels,
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  },
  spec:
    digest === undefined
      ? {}
      : {
          tags: [
            tagReference(tag, imageNames[wording](stream, digest)),
            ...Object.entries(children).map(([name, child]) =>
              tagReference(name, imageNames['within the stream'](stream, child)),
            ),
          ],
        },
});

const tagReference = (name: string, image: string): TagReference => ({
  name,
  from: { kind: 'ImageStreamImage', name: image },
  importPolicy: { importMode: 'Legacy' },
  referencePolicy: { type: 'Source' },
});

type ImageWording = keyof typeof imageNames;

/** Two names of the same image. */
export const imageNames = {
  'within the stream': (stream: string, digest: string): string => `${stream}@${digest}`,
  alone: (_stream: string, digest: string): string => digest,
} as const;

/** Without the name of an EdgeBuild: it can be of several. */
const managedLabels = Object.fromEntries(
  Object.entries(labelsOf('')).filter(([key]) => key === 'app.kubernetes.io/managed-by'),
);
