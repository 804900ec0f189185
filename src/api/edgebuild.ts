import * as z from 'zod';
import { metadataSchema } from './metadata.ts';
import { specSchema } from './spec.ts';
import { statusSchema } from './status.ts';

export const group = 'edgebuild.io';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}` as const;
export const edgeBuildKind = 'EdgeBuild';

/**
 * An EdgeBuild: "this source, for these platforms". This schema is the only source of its CustomResourceDefinition
 * (crd.ts), of its TypeScript types and of its validation (validate.ts).
 */
export const edgeBuildSchema = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(edgeBuildKind),
    metadata: metadataSchema,
    spec: specSchema,
    status: statusSchema.exactOptional(),
  })
  .meta({
    description:
      'EdgeBuild builds container images for other CPU architectures from one source, and proves that they are what they claim.',
  });

/** An EdgeBuild with every default filled in: what validation returns and everything else works on. */
export type EdgeBuild = z.output<typeof edgeBuildSchema>;
/** An EdgeBuild as a person writes it: what has a default may be absent. */
export type EdgeBuildInput = z.input<typeof edgeBuildSchema>;
export type EdgeBuildSpec = EdgeBuild['spec'];
export type EdgeBuildStatus = z.output<typeof statusSchema>;
export type PlatformStatus = NonNullable<EdgeBuildStatus['platforms']>[number];
