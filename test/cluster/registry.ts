/** An image registry for the box's node and for whoever pushes: plain HTTP on loopback, everybody may do everything. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, ask, type Answer } from './answers.ts';
import { startPart } from './part.ts';
import { sha256 } from '../support/images.ts';

/** container runtimes talk plain HTTP to loopback without being told. */
export const registryHost = '127.0.0.1:5000';
const url = `http://${registryHost}/v2/`;

export const startRegistry = async (state: string, logs: string): Promise<void> => {
  const directory = join(state, 'registry');
  mkdirSync(directory);
  const settings = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(directory, 'storage') }, delete: { enabled: true } },
    http: { addr: registryHost },
  };
  const file = join(directory, 'config.yml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(settings));
  const part = startPart({ name: 'docker-registry', command: ['docker-registry', 'serve', file], logs });
  await part.ready(() => answers(url));
};

export interface PushedImage {
  /** Without host and tag. */
  readonly repository: string;
  readonly tag: string;
  /** A tar. */
  readonly layer: Buffer;
  /** `config` of the image configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
export const pushImage = async ({ repository, tag, layer, config }: PushedImage): Promise<void> => {
  const configuration = Buffer.from(
    JSON.stringify({
      ...{ os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch, config },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    }),
  );
  const type = (name: string): string => `application/vnd.oci.image.${name}`;
  const [configDescriptor, layerDescriptor] = await Promise.all([
    pushBlob(repository, configuration, type('config.v1+json')),
    pushBlob(repository, layer, type('layer.v1.tar')),
  ]);
  const manifest = {
    ...{ schemaVersion: 2, mediaType: type('manifest.v1+json') },
    ...{ config: configDescriptor, layers: [layerDescriptor] },
  };
  const headers = { 'content-type': manifest.mediaType };
  const where = `${url}${repository}/manifests/${tag}`;
  expectCreated(await ask(where, { method: 'PUT', headers }, Buffer.from(JSON.stringify(manifest))), where);
};

const pushBlob = async (repository: string, bytes: Buffer, mediaType: string): Promise<object> => {
  const digest = `sha256:${sha256(bytes)}`;
  const begun = await ask(`${url}${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(String(begun?.headers['location']), url);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': bytes.length };
  expectCreated(await ask(location.href, { method: 'PUT', headers }, bytes), location.href);
  return { mediaType, digest, size: bytes.length };
};

const expectCreated = (answer: Answer | undefined, where: string): void => {
  if (answer?.status !== 201)
    throw new Error(`the registry answered ${JSON.stringify(answer)} to PUT ${where}`);
};
