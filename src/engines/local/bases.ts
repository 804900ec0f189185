import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../api/conditions.ts';
import type { Platform } from '../../api/platforms.ts';
import { type BaseVerdict, judgeBase } from '../../image/base.ts';
import { ImageError, type ImageErrorCode } from '../../image/errors.ts';
import type { Image } from '../../image/image.ts';
import { openImages } from '../../image/open.ts';
import { failure as skopeoFailure, globalFlags } from '../../image/skopeo.ts';
import { surveyImage } from '../../image/survey.ts';
import { BuildFailure, saysDiskFull } from '../failure.ts';
import { runOutside } from './outside.ts';
import { missingProgram } from './programs.ts';
import { imageIdOf, relabel } from './relabel.ts';
import type { Workspace } from './workspace.ts';

/** A base image that was found, judged and laid down for sandboxes to read. */
export interface PreparedBase {
  /** OCI layout, outside path. */
  readonly layout: string;
  /** Digest of the manifest in it. */
  readonly digest: string;
  /** 64 hexadecimal digits: by an id, buildah takes an image whatever the platform it is looking for. */
  readonly imageId: string;
  /** What a person should know though it fails nothing. */
  readonly warning?: string;
}

export interface BaseRequest {
  /** What stands in the Dockerfile, for messages. */
  readonly text: string;
  /** A containers-transports reference. */
  readonly reference: string;
  readonly platform: Platform;
}

export interface BaseSurroundings {
  readonly workspace: Workspace;
  readonly environment: Readonly<Record<string, string>>;
  readonly authfile?: string;
  readonly signal: AbortSignal;
  readonly onFetch: (request: BaseRequest) => void;
}

/** The record beside a prepared layout. Its presence says that the layout is whole. */
const recordName = 'edgebuild.json';

/**
 * Finds the image, judges what it is by its programs, and keeps it as an OCI layout with one image, labelled for the
 * platform. An image that was judged before is not read again: directories are named by its digest.
 *
 * @throws BuildFailure naming the base, with a reason of BaseImage… or NetworkFailed.
 */
export const prepareBase = async (
  request: BaseRequest,
  surroundings: BaseSurroundings,
): Promise<PreparedBase> => {
  try {
    return await prepare(request, surroundings);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (error.code === 'ProgramMissing') throw missingProgram('skopeo');
    throw new BuildFailure(
      reasonOf[error.code] ?? 'BaseImageUnavailable',
      `base image ${request.text}: ${error.message}`,
    );
  }
};

const reasonOf: Partial<Record<ImageErrorCode, Reason>> = {
  Truncated: 'BaseImageCorrupt',
  Corrupt: 'BaseImageCorrupt',
  TooLarge: 'BaseImageCorrupt',
  NoSuchPlatform: 'BaseImageWrongArchitecture',
  NetworkFailed: 'RegistryUnreachable',
};

const prepare = async (request: BaseRequest, surroundings: BaseSurroundings): Promise<PreparedBase> => {
  const { workspace, environment, authfile, signal } = surroundings;
  const { reference, platform } = request;
  const bases = join(workspace.directory, 'bases');
  const opened = { signal, env: environment, ...(authfile === undefined ? {} : { authfile }) };
  const source = await openImages(reference, opened);
  try {
    const { digest } = source.find(platform);
    const layout = join(bases, `${digest.replace(':', '-')}-${platform.name.replaceAll('/', '-')}`);
    const known = await readRecord(layout);
    if (known !== undefined) return known;

    surroundings.onFetch(request);
    // A file of this machine is judged before it is copied; what comes over a network is read once, from the copy.
    const isFile = /^(oci|oci-archive|docker-archive):/.test(reference);
    const early = isFile ? await judged(await source.select(platform), request, signal) : undefined;
    const temporary = await mkdtemp(join(bases, '.incomplete-'));
    try {
      await copy(request, temporary, surroundings);
      const copied = await openImages(`oci:${temporary}:base`, { signal });
      try {
        const image = await copied.select(platform);
        const verdict = early ?? (await judged(image, request, signal));
        const digest =
          verdict.verdict === 'mislabelled' ? await relabel(temporary, image.digest, platform) : image.digest;
        const warning =
          verdict.verdict === 'mislabelled'
            ? { warning: `base image ${request.text}: ${verdict.message}` }
            : {};
        await writeFile(
          join(temporary, recordName),
          JSON.stringify({ digest, imageId: await imageIdOf(temporary, digest), ...warning }),
        );
      } finally {
        await copied.close();
      }
      await readableByAll(temporary);
      // Another build may have been faster; its layout is the same.
      await rename(temporary, layout).catch(() => undefined);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    const written = await readRecord(layout);
    if (written === undefined) throw new Error(`${layout} was not written`);
    return written;
  } finally {
    await source.close();
  }
};

const judged = async (image: Image, request: BaseRequest, signal: AbortSignal): Promise<BaseVerdict> => {
  const verdict = judgeBase(await surveyImage(image, { signal }), image.config, request.platform);
  if (verdict.verdict === 'wrong') {
    throw new BuildFailure(
      'BaseImageWrongArchitecture',
      `base image ${request.text} (${request.reference}): ${verdict.message}`,
    );
  }
  return verdict;
};

const copy = async (
  { text, reference, platform }: BaseRequest,
  layout: string,
  { environment, authfile, signal }: BaseSurroundings,
): Promise<void> => {
  const { status, said } = await runOutside({
    program: 'skopeo',
    arguments: [
      ...globalFlags(environment),
      `--override-os=${platform.os}`,
      `--override-arch=${platform.architecture}`,
      ...(platform.variant === undefined ? [] : [`--override-variant=${platform.variant}`]),
      ...['copy', '--quiet', '--retry-times=3'],
      ...(authfile === undefined ? [] : [`--authfile=${authfile}`]),
      ...[reference, `oci:${layout}:base`],
    ],
    environment,
    signal,
  });
  if (status === 0) return;
  if (saysDiskFull(said))
    throw new BuildFailure('DiskFull', `base image ${text}: no space is left to keep it`, said);
  throw skopeoFailure(said.join('\n'), reference);
};

const readRecord = async (layout: string): Promise<PreparedBase | undefined> => {
  const text = await readFile(join(layout, recordName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return { layout, ...(JSON.parse(text) as Omit<PreparedBase, 'layout'>) };
};

/** Sandboxes read it as nobody, whatever the user's umask. */
const readableByAll = async (directory: string): Promise<void> => {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
};
