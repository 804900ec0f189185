import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Platform } from '../src/api/platforms.ts';
import type { Workspace } from '../src/engines/local/workspace.ts';
import { buildahOf, type Place, type Watch } from './place.ts';

const execute = promisify(execFile);
const file = (path: string): string => join(import.meta.dirname, path);

/** The release that a base is made of: this machine's own, from where its apt fetches it. */
export interface Release {
  readonly suite: string;
  /** A deb822 apt source for the platform's architecture. */
  readonly source: string;
}

export const releaseOfThisMachine = async (platform: Platform): Promise<Release> => {
  const { stdout } = await execute(file('../scripts/apt-source.sh'), [platform.debian]);
  const suite = /^Suites: (\S+)/m.exec(stdout)?.[1];
  if (suite === undefined) throw new Error(`no suite in the apt source:\n${stdout}`);
  return { suite, source: stdout };
};

/** Where the base image of a release is kept between runs. */
export const basePath = (workspace: Workspace, platform: Platform, { suite }: Release): string =>
  join(workspace.writable, `base-${suite}-${platform.debian}.oci.tar`);

export const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

/** Makes a base image for a platform with mmdebstrap, in a sandbox, without any registry. */
export const makeBase = async (place: Place, release: Release, { signal, onLine }: Watch): Promise<void> => {
  const { workspace, run, platform } = place;
  const buildah = buildahOf(place);
  const sources = join(run.prepared, 'release.sources');
  await writeFile(sources, release.source);
  const status = await workspace.run(
    {
      command: [
        ...(['bash', '-c', await readFile(file('base.sh'), 'utf8'), 'base.sh'] as const),
        ...[workspace.inside(sources), release.suite],
        ...[workspace.inside(basePath(workspace, platform, release)), ...buildah.command],
      ],
      environment: buildah.environment,
      signal,
      onLine,
    },
    [platform],
  );
  if (status !== 0) throw new Error(`the base image could not be made (status ${status}): see above`);
};
