import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '../../api/platforms.ts';

const blobPath = (layout: string, digest: string): string => join(layout, 'blobs', ...digest.split(':'));

const readJson = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

/** The id of an image in a layout: its configuration's digest, without the algorithm. */
export const imageIdOf = async (layout: string, manifestDigest: string): Promise<string> => {
  const { config } = await readJson(blobPath(layout, manifestDigest));
  return (config as { digest: string }).digest.replace('sha256:', '');
};

/**
 * Writes what a base image really is into a copy of its configuration, beside the original in the same OCI layout, and
 * makes it the layout's `base`. The layers stay. Builders look images up by what the configuration says: without this,
 * buildah does not find an image of ARM programs that calls itself amd64, and its children inherit the claim.
 *
 * @returns the digest of the new manifest.
 */
export const relabel = async (
  layout: string,
  manifestDigest: string,
  platform: Platform,
): Promise<string> => {
  const write = async (content: unknown): Promise<{ digest: string; size: number }> => {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await writeFile(blobPath(layout, digest), bytes);
    return { digest, size: bytes.length };
  };

  const manifest = await readJson(blobPath(layout, manifestDigest));
  const descriptor = manifest['config'] as { digest: string };
  const config = await readJson(blobPath(layout, descriptor.digest));
  const honest = await write({
    ...config,
    os: platform.os,
    architecture: platform.architecture,
    variant: platform.variant,
  });
  const relabelled = await write({ ...manifest, config: { ...descriptor, ...honest } });
  const index = await readJson(join(layout, 'index.json'));
  const manifests = (index['manifests'] as { digest: string }[]).map((entry) =>
    entry.digest === manifestDigest ? { ...entry, ...relabelled } : entry,
  );
  await writeFile(join(layout, 'index.json'), JSON.stringify({ ...index, manifests }));
  return relabelled.digest;
};
