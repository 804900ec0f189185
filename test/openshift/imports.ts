/** Imports what ImageStreams ask for: each tag once for each of its generations. */
import { now } from './admission.ts';
import type { Api } from './api.ts';
import { type Follower, followEach } from './follow.ts';
import { imageStreams } from './groups.ts';
import { importImage } from './image-import.ts';
import { parseReference } from './image-names.ts';
import { changeStream, recordImages } from './image-records.ts';
import { type TagImport, withImports } from './import-results.ts';
import { credentialsFor } from './pull-secrets.ts';
import type { RegistryClient } from './registry-client.ts';
import type { ImageStream, TagReference } from './shapes.ts';
import { needsImport, specTagOf } from './tag-events.ts';
import type { Client } from '../../src/kube/client.ts';

export const startImports = (api: Api, client: Client, registryClient: RegistryClient): Follower =>
  followEach<ImageStream>(client, imageStreams, async (stream) => {
    const tags = (stream.spec?.tags ?? []).filter((tag) => needsImport(stream, tag));
    if (tags.length === 0) return;
    const { namespace = '', name } = stream.metadata;
    const imports: TagImport[] = [];
    for (const tag of tags) imports.push(await imported(api, registryClient, namespace, tag));
    const all = imports.flatMap((one) =>
      'failure' in one.imported ? [] : [...one.imported.manifests, one.imported.image],
    );
    await recordImages(api, all);
    await changeStream(api, namespace, name, (now_) =>
      now_.metadata.uid === stream.metadata.uid ? withImports(now_, stillWanted(now_, imports), now()) : now_,
    );
  });

const imported = async (
  api: Api,
  client: RegistryClient,
  namespace: string,
  { name, from, importPolicy, annotations, referencePolicy }: TagReference,
): Promise<TagImport> => {
  const image = from?.name ?? '';
  const credentials = await credentialsFor(api, namespace, parseReference(image)?.host ?? '');
  const result = await importImage(
    client,
    { from: image, importPolicy, annotations: annotations ?? {} },
    credentials,
  );
  return { tag: name, from: image, importPolicy, referencePolicy, imported: result };
};

/** A tag that points elsewhere by now is imported again by itself. */
const stillWanted = (stream: ImageStream, imports: readonly TagImport[]): readonly TagImport[] =>
  imports.filter(({ tag, from }) => {
    const specTag = specTagOf(stream, tag);
    return specTag?.from?.name === from && needsImport(stream, specTag);
  });
