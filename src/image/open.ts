import { stat } from 'node:fs/promises';
import { openDockerArchive } from './dockerarchive.ts';
import { fileError, ImageError } from './errors.ts';
import { archiveFiles, directoryFiles, type Files } from './files.ts';
import type { ImageSource } from './image.ts';
import { openLayout } from './layout.ts';
import type { openRemote } from './remote.ts';

export interface OpenOptions {
  /** The registry credentials to use; the user's own otherwise. */
  readonly authfile?: string;
  /** Ends the work; what is thrown then is its reason. */
  readonly signal?: AbortSignal;
  /** The whole environment of skopeo, which alone reaches it; a bare PATH otherwise. TMPDIR is honoured here too. */
  readonly env?: Readonly<Record<string, string>>;
}

const defaultEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Opens what a reference names, as containers-transports(5) writes it: `oci:DIR[:TAG]`, `oci-archive:PATH[:TAG]`,
 * `docker-archive:PATH[:TAG]`, `containers-storage:NAME`, `docker://REF`; or the bare path of one of the first three,
 * told apart by what is in it. Close the source when done.
 *
 * Throws ImageError with every code there is.
 */
export const openImages = async (reference: string, options: OpenOptions = {}): Promise<ImageSource> => {
  const { signal, authfile, env = defaultEnv } = options;
  signal?.throwIfAborted();
  const [, transport, rest = ''] =
    /^(oci|oci-archive|docker-archive|containers-storage|docker|dir|docker-daemon):(.*)$/s.exec(reference) ??
    [];
  switch (transport) {
    case undefined:
      return openPath(reference, signal);
    case 'oci': {
      const { path, tag } = split(rest);
      return openLayout(reference, directoryFiles(path), tag, signal);
    }
    case 'oci-archive': {
      const { path, tag } = split(rest);
      const files = await archiveFiles(path, signal);
      return closedOnFailure(files, () => openLayout(reference, files, tag, signal));
    }
    case 'docker-archive': {
      const { path, tag } = split(rest);
      const files = await archiveFiles(path, signal);
      return closedOnFailure(files, () => openDockerArchive(reference, files, tag, signal));
    }
    case 'docker':
    case 'containers-storage':
      return openByCopy(reference, { env, authfile, signal });
    default:
      throw new ImageError(
        'Unsupported',
        `${reference}: ${transport}: is not read: use oci:, oci-archive:, docker-archive:, containers-storage: or docker://`,
      );
  }
};

/** Loaded only when it is needed: starting programs takes a library that is a third of a small verification's memory. */
const openByCopy = async (...args: Parameters<typeof openRemote>): Promise<ImageSource> =>
  (await import('./remote.ts')).openRemote(...args);

/** `PATH[:TAG]`: as in containers/image, the path ends at the first colon. */
const split = (text: string): { path: string; tag: string | undefined } => {
  const colon = text.indexOf(':');
  if (colon === -1) return { path: text, tag: undefined };
  return { path: text.slice(0, colon), tag: text.slice(colon + 1) || undefined };
};

const openPath = async (path: string, signal: AbortSignal | undefined): Promise<ImageSource> => {
  const found = await stat(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (found.isDirectory()) return openLayout(path, directoryFiles(path), undefined, signal);
  const files = await archiveFiles(path, signal);
  return closedOnFailure(files, async () => {
    if ((await files.get('index.json')) !== undefined) return openLayout(path, files, undefined, signal);
    if ((await files.get('manifest.json')) !== undefined)
      return openDockerArchive(path, files, undefined, signal);
    throw new ImageError(
      'Unsupported',
      `${path}: neither an oci-archive nor a docker-archive: no index.json, no manifest.json`,
    );
  });
};

const closedOnFailure = async (files: Files, work: () => Promise<ImageSource>): Promise<ImageSource> => {
  try {
    return await work();
  } catch (error) {
    await files.close();
    throw error;
  }
};
