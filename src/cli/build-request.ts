import { resolve } from 'node:path';
import type { EdgeBuild } from '../api/edgebuild.ts';
import { InputError } from '../api/errors.ts';
import { validateEdgeBuild } from '../api/validate.ts';
import type { LocalBuildOptions } from '../edgebuild/local.ts';
import { parseBases } from './base-flags.ts';
import { destinationOf, refuseSharedDestinations } from './destination.ts';
import { requireDirectory, requireFile, requireWritable } from './paths.ts';
import { missingFile, readEdgeBuilds } from './read-edgebuilds.ts';

/** The flags of `edgebuild build`, as commander gives them. */
export interface BuildFlags {
  readonly file?: string;
  readonly to?: string;
  readonly push?: boolean;
  readonly base?: readonly string[];
  readonly context?: string;
  readonly platform?: readonly string[];
  readonly jobs: number;
  readonly cache: boolean;
  readonly authfile?: string;
  readonly output: 'text' | 'json' | 'yaml';
  readonly prune?: boolean;
}

/** What the command line says of one build. */
export type BuildRequest = Pick<
  LocalBuildOptions,
  'edgeBuild' | 'destination' | 'bases' | 'context' | 'jobs' | 'noCache' | 'authfile'
>;

/**
 * All builds that were asked for, in the order of the file. Whatever is wrong with flags, file or objects is found here,
 * before the first of them begins.
 *
 * @param tell gets the objects that are skipped.
 * @throws InputError
 */
export const readRequests = async (
  flags: BuildFlags,
  tell: (text: string) => void,
): Promise<readonly BuildRequest[]> => {
  if (flags.file === undefined) throw missingFile();
  const bases = parseBases(flags.base ?? []);
  if (flags.context !== undefined) await requireDirectory(flags.context);
  if (flags.authfile !== undefined) await requireFile(flags.authfile);
  const edgeBuilds = await readObjects(flags.file, flags.platform, tell);
  const requests = edgeBuilds.map((edgeBuild) => ({
    edgeBuild,
    destination: destinationOf(edgeBuild, flags),
    bases,
    jobs: flags.jobs,
    noCache: !flags.cache,
    ...(flags.context === undefined ? {} : { context: resolve(flags.context) }),
    ...(flags.authfile === undefined ? {} : { authfile: resolve(flags.authfile) }),
  }));
  refuseSharedDestinations(requests);
  for (const { destination } of requests) await requireWritable(destination);
  return requests;
};

const readObjects = async (
  file: string,
  platforms: readonly string[] | undefined,
  tell: (text: string) => void,
): Promise<readonly EdgeBuild[]> => {
  const edgeBuilds = await readEdgeBuilds(file, tell);
  return platforms === undefined
    ? edgeBuilds
    : edgeBuilds.map((edgeBuild) => withPlatforms(edgeBuild, platforms));
};

/** The object with other platforms, judged by its schema again. */
const withPlatforms = (edgeBuild: EdgeBuild, platforms: readonly string[]): EdgeBuild => {
  const verdict = validateEdgeBuild({ ...edgeBuild, spec: { ...edgeBuild.spec, platforms } });
  if ('edgeBuild' in verdict) return verdict.edgeBuild;
  throw new InputError(verdict.faults.map(({ message }) => ({ path: '--platform', message })));
};
