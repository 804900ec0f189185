import { ImageError } from './errors.ts';

/*
 * The JSON documents of an image, as far as they are read. Go writes an absent list as null, so null is absence here.
 * Sources: OCI image-spec 1.1 (image-index.md, manifest.md, config.md, annotations.md); Docker image manifest v2 schema 2.
 *
 * Read by hand and not by zod: four small documents, and loading zod takes a tenth of the time that verifying an image
 * of 200 MB does.
 */
export interface OciPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: OciPlatform | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The OCI image configuration. */
export interface ImageConfig extends OciPlatform {
  readonly config: {
    readonly Entrypoint?: readonly string[] | undefined;
    readonly Cmd?: readonly string[] | undefined;
    readonly Env?: readonly string[] | undefined;
    readonly WorkingDir?: string | undefined;
    readonly User?: string | undefined;
    readonly Labels?: Readonly<Record<string, string>> | undefined;
  };
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
}

export type DockerArchiveManifest = readonly {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | undefined;
  readonly Layers?: readonly string[] | undefined;
}[];

const longestText = 65_536;
const longestList = 10_000;

/** Thrown inside of `parse` only, which says where. */
class Unfit extends Error {}
const unfit = (path: string, expected: string): Unfit =>
  new Unfit(`${path.replace(/^\./, '') || 'it'}: expected ${expected}`);

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

const record = (value: unknown, path = ''): Readonly<Record<string, unknown>> => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw unfit(path, 'an object');
};

const text = (value: unknown, path: string): string => {
  if (typeof value === 'string' && value.length <= longestText) return value;
  throw unfit(path, `a text of at most ${longestText} characters`);
};

const list = <Item>(value: unknown, path: string, item: (value: unknown, path: string) => Item): Item[] => {
  if (Array.isArray(value) && value.length <= longestList) {
    return value.map((one, index) => item(one, `${path}.${index}`));
  }
  throw unfit(path, `a list of at most ${longestList}`);
};

const orAbsent = <Value>(
  value: unknown,
  path: string,
  read: (value: unknown, path: string) => Value,
): Value | undefined => (isAbsent(value) ? undefined : read(value, path));

const texts = (value: unknown, path: string): string[] => list(value, path, text);

const textMap = (value: unknown, path: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(record(value, path)).map(([key, one]) => [key, text(one, `${path}.${key}`)]),
  );

/** Builders keep whole documents in labels: these are bounded by the configuration alone. */
const labels = (value: unknown, path: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(record(value, path)).map(([key, one]) => {
      if (typeof one !== 'string') throw unfit(`${path}.${key}`, 'a text');
      return [key, one];
    }),
  );

const platform = (value: unknown, path: string): OciPlatform => {
  const fields = record(value, path);
  const variant = orAbsent(fields['variant'], `${path}.variant`, text);
  return {
    os: orAbsent(fields['os'], `${path}.os`, text) ?? '',
    architecture: orAbsent(fields['architecture'], `${path}.architecture`, text) ?? '',
    ...(variant === undefined ? {} : { variant }),
  };
};

const descriptor = (value: unknown, path: string): Descriptor => {
  const fields = record(value, path);
  const { size } = fields as { readonly size?: unknown };
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw unfit(`${path}.size`, 'a whole number, not negative');
  }
  return {
    mediaType: orAbsent(fields['mediaType'], `${path}.mediaType`, text) ?? '',
    digest: text(fields['digest'], `${path}.digest`),
    size,
    platform: orAbsent(fields['platform'], `${path}.platform`, platform),
    annotations: orAbsent(fields['annotations'], `${path}.annotations`, textMap),
  };
};

const versioned = (value: unknown): Readonly<Record<string, unknown>> => {
  const fields = record(value);
  if (fields['schemaVersion'] !== 2) throw unfit('schemaVersion', '2');
  return fields;
};

const index = (value: unknown): { readonly manifests: readonly Descriptor[] } => ({
  manifests: list(versioned(value)['manifests'], 'manifests', descriptor),
});

const manifest = (
  value: unknown,
): { readonly config: Descriptor; readonly layers?: readonly Descriptor[] | undefined } => {
  const fields = versioned(value);
  return {
    config: descriptor(fields['config'], 'config'),
    layers: orAbsent(fields['layers'], 'layers', (layers, path) => list(layers, path, descriptor)),
  };
};

const imageConfig = (value: unknown): ImageConfig => {
  const fields = record(value);
  const config = orAbsent(fields['config'], 'config', record) ?? {};
  const rootfs = record(fields['rootfs'], 'rootfs');
  return {
    ...platform(fields, ''),
    config: {
      Entrypoint: orAbsent(config['Entrypoint'], 'config.Entrypoint', texts),
      Cmd: orAbsent(config['Cmd'], 'config.Cmd', texts),
      Env: orAbsent(config['Env'], 'config.Env', texts),
      WorkingDir: orAbsent(config['WorkingDir'], 'config.WorkingDir', text),
      User: orAbsent(config['User'], 'config.User', text),
      Labels: orAbsent(config['Labels'], 'config.Labels', labels),
    },
    rootfs: {
      type: orAbsent(rootfs['type'], 'rootfs.type', text) ?? 'layers',
      diff_ids: orAbsent(rootfs['diff_ids'], 'rootfs.diff_ids', texts) ?? [],
    },
  };
};

const dockerArchive = (value: unknown): DockerArchiveManifest =>
  list(value, '', (one, path) => {
    const fields = record(one, path);
    return {
      Config: text(fields['Config'], `${path}.Config`),
      RepoTags: orAbsent(fields['RepoTags'], `${path}.RepoTags`, texts),
      Layers: orAbsent(fields['Layers'], `${path}.Layers`, texts),
    };
  });

const parse =
  <T>(read: (value: unknown) => T, what: string) =>
  (bytes: Buffer, where: string): T => {
    let value: unknown;
    try {
      value = JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw new ImageError('Corrupt', `${where}: ${what} is not JSON`, { cause });
    }
    try {
      return read(value);
    } catch (error) {
      if (error instanceof Unfit) throw new ImageError('Corrupt', `${where}: not ${what}: ${error.message}`);
      throw error;
    }
  };

export const parseIndex = parse(index, 'an image index');
export const parseManifest = parse(manifest, 'an image manifest');
export const parseConfig = parse(imageConfig, 'an image configuration');
export const parseDockerArchive = parse(dockerArchive, 'the manifest.json of a docker-archive');

/** What an `application/…` document is, by its content where its media type does not say. */
export const documentKind = (bytes: Buffer, where: string): 'index' | 'manifest' => {
  const value = parse((value) => record(value), 'an image manifest')(bytes, where);
  if (value['schemaVersion'] === 1)
    throw new ImageError(
      'Unsupported',
      `${where}: a Docker schema 1 manifest: push the image again with a current tool`,
    );
  return 'manifests' in value ? 'index' : 'manifest';
};
