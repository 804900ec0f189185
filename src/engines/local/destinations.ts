import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { failure as skopeoFailure, globalFlags } from '../../image/skopeo.ts';
import { BuildFailure, saysDiskFull } from '../failure.ts';
import { composeLayout, type Content, type Layout, type PlatformImage } from './layout.ts';
import { runOutside } from './outside.ts';

/** Where the image goes: a containers-transports reference, split. */
export interface Destination {
  readonly transport: 'oci' | 'oci-archive' | 'docker-archive' | 'docker';
  /** A path, or for `docker` the reference after `docker://`. */
  readonly target: string;
}

export interface Publication {
  readonly images: readonly PlatformImage[];
  readonly destination: Destination;
  /** `registry/name:tag` that the image bears in an archive. */
  readonly name: string;
  /** An own directory for what has to be laid out first. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly authfile?: string;
  readonly signal: AbortSignal;
}

export interface Published {
  readonly digest: string;
  /** Where the image is, with its digest. */
  readonly reference: string;
}

/**
 * Writes the destination. Until the last moment it is as it was, byte for byte: a file is renamed into place, a layout
 * gets its index last, a registry's tag moves after its blobs.
 *
 * @throws BuildFailure with reason PublishFailed, NetworkFailed or DiskFull; the signal's reason.
 */
export const publish = async (publication: Publication): Promise<Published> => {
  const { images, destination, name } = publication;
  const layout = await composeLayout(images, name);
  const target = destination.transport === 'docker' ? destination.target : resolve(destination.target);
  try {
    switch (destination.transport) {
      case 'oci-archive':
        await replaceFile(target, (temporary) => writeArchive(layout, temporary, publication.signal));
        break;
      case 'oci':
        await writeLayout(layout, target, publication.signal);
        break;
      case 'docker-archive':
        await replaceFile(target, (temporary) =>
          copyWithSkopeo(publication, layout, `docker-archive:${temporary}:${name}`),
        );
        break;
      case 'docker':
        await copyWithSkopeo(publication, layout, `docker://${target}`);
        break;
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof BuildFailure || code === undefined) throw error;
    throw new BuildFailure(code === 'ENOSPC' ? 'DiskFull' : 'PublishFailed', `${target}: ${code}`);
  }
  const prefix = destination.transport === 'docker' ? '' : `${destination.transport}:`;
  return { digest: layout.digest, reference: `${prefix}${target}@${layout.digest}` };
};

/** Lets a temporary file beside the target be written, and renames it over the target when it is whole and on disk. */
const replaceFile = async (target: string, write: (temporary: string) => Promise<void>): Promise<void> => {
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(4).toString('hex')}`);
  try {
    await write(temporary);
    const file = await open(temporary, 'r+');
    await file.sync().finally(() => file.close());
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
};

const writeArchive = async (layout: Layout, file: string, signal: AbortSignal): Promise<void> => {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(file, { mode: 0o644 }), { signal });
  const add = async (): Promise<void> => {
    // skopeo gives a directory that it has to make by itself to root, which an ordinary user may not.
    for (const name of ['blobs/', 'blobs/sha256/']) {
      archive
        .entry({ name, type: 'directory', mode: 0o755, mtime: new Date(0) })
        .on('error', () => undefined);
    }
    for (const [path, content] of layout.files) {
      const header = { name: path, mode: 0o644, mtime: new Date(0) };
      const entry =
        'bytes' in content
          ? archive.entry(header, content.bytes)
          : archive.entry({ ...header, size: content.size });
      // An archive that is destroyed, by an interrupt or a full disk, destroys its open entries: each says so once more.
      entry.on('error', () => undefined);
      if ('path' in content) await pipeline(createReadStream(content.path), entry, { signal });
    }
    archive.finalize();
  };
  // What breaks one side ends the other; the first cause is what `written` ends with.
  const added = add().catch((error: unknown) => {
    archive.destroy(error as Error);
  });
  await Promise.all([written, added]);
};

/** Blobs are named by their content: adding some changes nothing until `index.json` names them. */
const writeLayout = async (layout: Layout, directory: string, signal: AbortSignal): Promise<void> => {
  const added: string[] = [];
  try {
    for (const [path, content] of layout.files) {
      signal.throwIfAborted();
      const target = join(directory, path);
      const isBlob = path.startsWith('blobs/');
      if (isBlob && (await stat(target).catch(() => undefined)) !== undefined) continue;
      await mkdir(dirname(target), { recursive: true });
      const merged = path === 'index.json' ? await besideOthers(content, target) : content;
      await replaceFile(target, (temporary) => place(merged, temporary));
      if (isBlob) added.push(target);
    }
  } catch (error) {
    for (const path of added) await rm(path, { force: true });
    throw error;
  }
};

/** Images of other names that the layout already has stay in its index. */
const besideOthers = async (content: Content, target: string): Promise<Content> => {
  const existing = await readFile(target, 'utf8').catch(() => undefined);
  if (existing === undefined || !('bytes' in content)) return content;
  const ours = JSON.parse(content.bytes.toString('utf8')) as Index;
  const names = ours.manifests.map(nameOf);
  const others = (JSON.parse(existing) as Index).manifests.filter((entry) => !names.includes(nameOf(entry)));
  return { bytes: Buffer.from(JSON.stringify({ ...ours, manifests: [...others, ...ours.manifests] })) };
};

interface Index {
  readonly manifests: readonly { readonly annotations?: Record<string, string> }[];
}
const nameOf = ({ annotations }: Index['manifests'][number]): string | undefined =>
  annotations?.['org.opencontainers.image.ref.name'];

const place = (content: Content, path: string): Promise<void> =>
  'bytes' in content ? writeFile(path, content.bytes) : copyFile(content.path, path);

/** skopeo pushes blobs first and the tag last, and tries again when a network fails. */
const copyWithSkopeo = async (
  { directory, environment, authfile, signal }: Publication,
  layout: Layout,
  target: string,
): Promise<void> => {
  const source = join(directory, 'published');
  for (const [path, content] of layout.files) {
    await mkdir(dirname(join(source, path)), { recursive: true });
    await ('bytes' in content
      ? writeFile(join(source, path), content.bytes)
      : symlink(content.path, join(source, path)));
  }
  const { status, said } = await runOutside({
    program: 'skopeo',
    arguments: [
      ...globalFlags(environment),
      ...['copy', '--quiet', '--all', '--retry-times=3'],
      ...(authfile === undefined ? [] : [`--dest-authfile=${authfile}`]),
      ...[`oci:${source}`, target],
    ],
    environment,
    signal,
  });
  if (status === 0) return;
  if (saysDiskFull(said)) {
    throw new BuildFailure('DiskFull', `${target}: no space is left`);
  }
  const { code, message } = skopeoFailure(said.join('\n'), target);
  throw new BuildFailure(code === 'NetworkFailed' ? 'NetworkFailed' : 'PublishFailed', message);
};
