import { platformOf } from '../../../api/platforms.ts';
import type { EdgeBuildSpec } from '../../../api/edgebuild.ts';
import type { Base } from '../bases.ts';
import { baseStreamName, labelsOf } from '../names.ts';
import type { OpenShiftObject, TagReference } from '../types.ts';

const preferArch = 'importer.image.openshift.io/prefer-arch';
const preferOs = 'importer.image.openshift.io/prefer-os';

/**
 * The ImageStream that makes FROM mean the right architecture: one tag for each base image and platform, imported with the
 * platform preferred.
 *
 * `importMode: Legacy` is said, since only that follows the preference; `scheduled` makes OpenShift look for a newer
 * image every 15 minutes at the earliest.
 */
export const baseStream = (
  name: string,
  bases: readonly Base[],
  { triggers }: EdgeBuildSpec,
): OpenShiftObject & { readonly spec: { readonly tags: readonly TagReference[] } } => ({
  apiVersion: 'image.openshift.io/v1',
  kind: 'ImageStream',
  metadata: { name: baseStreamName(name), labels: labelsOf(name) },
  spec: {
    tags: bases.map(({ platform, image, tag }) => ({
      name: tag,
      annotations: {
        [preferArch]: platformOf(platform).architecture,
        [preferOs]: platformOf(platform).os,
      },
      from: { kind: 'DockerImage', name: image },
      // What is named by digest does not change, and must not be looked for.
      importPolicy: {
        importMode: 'Legacy',
        ...(triggers.onBaseImageChange && !image.includes('@') ? { scheduled: true } : {}),
      },
      referencePolicy: { type: 'Source' },
    })),
  },
});
