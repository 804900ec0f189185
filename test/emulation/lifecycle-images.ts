/** Images that only the box's registry has: of another architecture, and an agent with another emulator. */
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emulatorOf, writeEmulators } from '../../agent/emulators.ts';
import { architectureCalled } from '../../src/emulation/architectures.ts';
import { ask } from '../cluster/answers.ts';
import { registryHost } from '../cluster/registry.ts';
import { newDirectory } from '../support/directories.ts';
import { sha256, tar } from '../support/images.ts';

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md, as far as it is used. */
interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
interface Configuration {
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history?: readonly object[];
}

const oci = (name: string): string => `application/vnd.oci.image.${name}`;
const url = `http://${registryHost}/v2/edgebuild`;

const pushBlob = async (repository: string, bytes: Buffer, mediaType: string): Promise<Descriptor> => {
  const digest = `sha256:${sha256(bytes)}`;
  const begun = await ask(`${url}/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(String(begun?.headers['location']), url);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': bytes.length };
  const answer = await ask(location.href, { method: 'PUT', headers }, bytes);
  if (answer?.status !== 201) throw new Error(`the registry answered ${JSON.stringify(answer)}`);
  return { mediaType, digest, size: bytes.length };
};

/** Returns the image's reference, by digest. */
const pushManifest = async (repository: string, config: object, layers: readonly Descriptor[]) => {
  const configuration = await pushBlob(
    repository,
    Buffer.from(JSON.stringify(config)),
    oci('config.v1+json'),
  );
  const mediaType = oci('manifest.v1+json');
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: configuration, layers }));
  const digest = `sha256:${sha256(bytes)}`;
  const put = { method: 'PUT', headers: { 'content-type': mediaType } };
  const answer = await ask(`${url}/${repository}/manifests/${digest}`, put, bytes);
  if (answer?.status !== 201) throw new Error(`the registry answered ${JSON.stringify(answer)}`);
  return `${registryHost}/edgebuild/${repository}@${digest}`;
};

const read = async <T>(path: string): Promise<T> => {
  const answer = await ask(`${url}/${path}`, { headers: { accept: oci('manifest.v1+json') } });
  if (answer?.status !== 200) throw new Error(`the registry answered ${JSON.stringify(answer)} to ${path}`);
  return JSON.parse(answer.body) as T;
};

/** An image for linux/arm64 that holds busybox, its program a shell. */
export const pushArm64 = async (): Promise<string> => {
  const busybox = join(import.meta.dirname, '../../.cache/foreign/arm64/busybox');
  const layer = tar([
    ...['bin/', 'dev/', 'proc/', 'sys/'].map((name) => ({ name, type: '5' })),
    { name: 'tmp/', type: '5', mode: 0o1777 },
    { name: 'bin/busybox', body: readFileSync(busybox), mode: 0o755 },
    ...['sh', 'uname', 'mkfifo', 'true'].map((name) => ({ name: `bin/${name}`, type: '2', link: 'busybox' })),
  ]);
  const config = {
    ...{ os: 'linux', architecture: 'arm64', config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] } },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  };
  return pushManifest('arm64', config, [await pushBlob('arm64', layer, oci('layer.v1.tar'))]);
};

/**
 * An agent as this one, but that its emulator of arm64 is another file, if one that does the same. It has no emulators of
 * others.
 */
export const pushOtherAgent = async (image: string): Promise<string> => {
  const [, digest = ''] = image.split('@');
  const { config, layers } = await read<Manifest>(`agent/manifests/${digest}`);
  const configuration = await read<Configuration>(`agent/blobs/${config.digest}`);
  const layer = await otherEmulators();
  const descriptor = await pushBlob('agent', layer, oci('layer.v1.tar'));
  return pushManifest(
    'agent',
    {
      ...configuration,
      rootfs: {
        ...configuration.rootfs,
        diff_ids: [...configuration.rootfs.diff_ids, descriptor.digest],
      },
      history: [...(configuration.history ?? []), { comment: 'another emulator' }],
    },
    [...layers, descriptor],
  );
};

const otherEmulators = async (): Promise<Buffer> => {
  const architecture = architectureCalled('arm64');
  const directory = newDirectory();
  const file = join(directory, 'emulator');
  copyFileSync(emulatorOf(architecture.name), file);
  // After the end of an ELF file may be what there wants to be.
  appendFileSync(file, '\0');
  await writeEmulators(directory, [{ architecture, file }], 'preset=0');
  return tar([
    { name: 'opt/', type: '5' },
    { name: 'opt/edgebuild/', type: '5' },
    ...['architectures', 'emulators.xz'].map((name) => ({
      name: `opt/edgebuild/${name}`,
      body: readFileSync(join(directory, name)),
    })),
  ]);
};
