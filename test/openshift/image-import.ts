/** One image out of a real registry, chosen as OpenShift chooses: also where that surprises. */
import { now } from './admission.ts';
import { byDigest, type ImageName, normalized, parseReference } from './image-names.ts';
import {
  type Descriptor,
  digestOf,
  imageOfList,
  imageOfManifest,
  type Manifest,
} from './image-of-manifest.ts';
import { type Access, type Fetched, type RegistryClient, RegistryError } from './registry-client.ts';
import type { Image, ImportPolicy } from './shapes.ts';

export interface Import {
  /** A DockerImage's name. */
  readonly from: string;
  readonly importPolicy: ImportPolicy | undefined;
  /** Of the tag: they name the architecture that is preferred. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** metav1.Status, as far as ImageStreamImport reports it. */
export interface ImportFailure {
  readonly status: 'Failure';
  readonly reason: string;
  readonly message: string;
  readonly code: number;
}

export type Imported =
  | { readonly image: Image; /** Of a list: each of its images. */ readonly manifests: readonly Image[] }
  | { readonly failure: ImportFailure };

export const importImage = async (
  client: RegistryClient,
  { from, importPolicy = {}, annotations }: Import,
  credentials: Access['credentials'],
): Promise<Imported> => {
  const name = parseReference(from);
  if (name === undefined) return { failure: failureOf('Invalid', `"${from}" is not a valid reference`, 422) };
  const access: Access = { insecure: importPolicy.insecure ?? false, credentials };
  const source: Source = { client, name, from, access };
  try {
    const fetched = await manifestOf(source, name.digest ?? name.tag ?? 'latest');
    const { manifests } = parse(fetched);
    if (manifests === undefined) return { image: await single(source, fetched), manifests: [] };
    if (importPolicy.importMode === 'PreserveOriginal') return await whole(source, fetched, manifests);
    // Asked for by digest, the preference counts for nothing.
    const child = chosen(manifests, name.digest === undefined ? annotations : {});
    if (child === undefined) return { failure: failureOf('NotFound', `${from} lists no image`, 404) };
    return { image: await single(source, await manifestOf(source, child.digest)), manifests: [] };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { failure: explained(normalized(name), error) };
  }
};

const explained = (from: string, { reason, message }: RegistryError): ImportFailure => {
  switch (reason) {
    case 'NotFound':
      return failureOf(reason, `dockerimage.image.openshift.io "${from}" not found`, 404);
    case 'Unauthorized':
      return failureOf(reason, `you may not have access to the container image "${from}"`, 401);
    case 'InternalError':
      return failureOf(reason, `Internal error occurred: ${from}: ${message}`, 500);
  }
};

const failureOf = (reason: string, message: string, code: number): ImportFailure => ({
  ...{ status: 'Failure', reason, message, code },
});

interface Source {
  readonly client: RegistryClient;
  readonly name: ImageName;
  readonly from: string;
  readonly access: Access;
}

const manifestOf = ({ client, name, access }: Source, reference: string): Promise<Fetched> =>
  client.read(name, `manifests/${reference}`, access);

const parse = ({ bytes }: Fetched): Manifest => JSON.parse(bytes.toString()) as Manifest;

const single = async ({ client, name, from, access }: Source, fetched: Fetched): Promise<Image> => {
  const manifest = parse(fetched);
  const digest = digestOf(fetched.bytes);
  if (manifest.config === undefined)
    throw new RegistryError('InternalError', `unsupported manifest ${fetched.mediaType}`);
  const config = await client.read(name, `blobs/${manifest.config.digest}`, access);
  return imageOfManifest(digest, byDigest(from, digest), manifest, fetched.mediaType, config.bytes);
};

const whole = async (
  source: Source,
  fetched: Fetched,
  manifests: readonly Descriptor[],
): Promise<Imported> => {
  const digest = digestOf(fetched.bytes);
  const children: Image[] = [];
  for (const child of manifests) children.push(await single(source, await manifestOf(source, child.digest)));
  const reference = byDigest(source.from, digest);
  return {
    image: imageOfList(digest, reference, manifests, fetched.mediaType, now()),
    manifests: children,
  };
};

const preferred = {
  architecture: 'importer.image.openshift.io/prefer-arch',
  os: 'importer.image.openshift.io/prefer-os',
};

/** The one that is preferred, or else without a word amd64's, or else the first. A variant is not looked at. */
const chosen = (
  manifests: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Descriptor | undefined => {
  const os = annotations[preferred.os] ?? 'linux';
  const of = (architecture: string | undefined): Descriptor | undefined =>
    manifests.find(({ platform }) => platform?.architecture === architecture && platform?.os === os);
  const wanted = annotations[preferred.architecture];
  return (wanted === undefined ? undefined : of(wanted)) ?? of('amd64') ?? manifests.at(0);
};
