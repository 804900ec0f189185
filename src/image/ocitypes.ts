import { z } from 'zod';
import { ImageError } from './errors.ts';

/*
 * The JSON documents of an image, as far as they are read. Go writes an absent list as null, so null is absence here.
 * Sources: OCI image-spec 1.1 (image-index.md, manifest.md, config.md, annotations.md); Docker image manifest v2 schema 2.
 */
const text = z.string().max(65_536);
const optional = <T extends z.ZodType>(schema: T) =>
  schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();

const platform = z.object({ os: text.default(''), architecture: text.default(''), variant: optional(text) });

const descriptor = z.object({
  mediaType: text.default(''),
  digest: text,
  size: z.int().nonnegative(),
  platform: optional(platform),
  annotations: optional(z.record(z.string(), text)),
});

const index = z.object({ schemaVersion: z.literal(2), manifests: z.array(descriptor).max(10_000) });
const manifest = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(10_000).nullish(),
});

const imageConfig = z.object({
  os: text.nullish().transform((value) => value ?? ''),
  architecture: text.nullish().transform((value) => value ?? ''),
  variant: optional(text),
  config: z
    .object({
      Entrypoint: optional(z.array(text)),
      Cmd: optional(z.array(text)),
      Env: optional(z.array(text)),
      WorkingDir: optional(text),
      User: optional(text),
      Labels: optional(z.record(z.string(), z.string())),
    })
    .nullish()
    .transform((value) => value ?? {}),
  rootfs: z
    .object({ type: text.default('layers'), diff_ids: z.array(text).max(10_000).nullish() })
    .transform(({ type, diff_ids }) => ({ type, diff_ids: diff_ids ?? [] })),
});

const dockerArchive = z
  .array(
    z.object({
      Config: text,
      RepoTags: z.array(text).nullish(),
      Layers: z.array(text).max(10_000).nullish(),
    }),
  )
  .max(10_000);

export type OciPlatform = z.output<typeof platform>;
export type Descriptor = z.output<typeof descriptor>;
/** The OCI image configuration. */
export type ImageConfig = z.output<typeof imageConfig>;
export type DockerArchiveManifest = z.output<typeof dockerArchive>;

const parse =
  <T>(schema: z.ZodType<T>, what: string) =>
  (bytes: Buffer, where: string): T => {
    let value: unknown;
    try {
      value = JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw new ImageError('Corrupt', `${where}: ${what} is not JSON`, { cause });
    }
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    const path = issue?.path.map(String).join('.') ?? '';
    throw new ImageError(
      'Corrupt',
      `${where}: not ${what}: ${path === '' ? 'it' : path}: ${issue?.message ?? ''}`,
    );
  };

export const parseIndex = parse(index, 'an image index');
export const parseManifest = parse(manifest, 'an image manifest');
export const parseConfig = parse(imageConfig, 'an image configuration');
export const parseDockerArchive = parse(dockerArchive, 'the manifest.json of a docker-archive');

/** What an `application/…` document is, by its content where its media type does not say. */
export const documentKind = (bytes: Buffer, where: string): 'index' | 'manifest' => {
  const value = parse(z.record(z.string(), z.unknown()), 'an image manifest')(bytes, where);
  if (value['schemaVersion'] === 1)
    throw new ImageError(
      'Unsupported',
      `${where}: a Docker schema 1 manifest: push the image again with a current tool`,
    );
  return 'manifests' in value ? 'index' : 'manifest';
};
