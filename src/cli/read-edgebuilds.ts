import type { EdgeBuild } from '../api/edgebuild.ts';
import { InputError } from '../api/errors.ts';
import { loadEdgeBuilds } from '../api/load.ts';
import { readInput } from './paths.ts';

/**
 * The EdgeBuilds of `-f FILE`, in their order.
 *
 * @param tell gets the objects that are skipped.
 * @throws InputError
 */
export const readEdgeBuilds = async (
  file: string | undefined,
  tell: (text: string) => void,
): Promise<readonly EdgeBuild[]> => {
  if (file === undefined) throw missingFile();
  const { edgeBuilds, skipped } = loadEdgeBuilds(await readInput(file), file);
  for (const { kind, name } of skipped) tell(`skipping ${kind} ${name}: not an EdgeBuild`);
  return edgeBuilds;
};

/** Said before other flags are looked at. */
export const missingFile = (): InputError =>
  new InputError('-f FILE is missing: it names the file with the EdgeBuild, - is standard input');
