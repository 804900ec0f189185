import type { Image } from './image.ts';
import { INDEX_LIMIT, layerTree, type Budget } from './layertree.ts';
import type { Layer } from './layer.ts';
import { tarReader } from './tar.ts';
import type { Directory } from './nodes.ts';
import { overlay } from './tree.ts';

/** The files of an image, as one sees them when it runs. */
export interface Survey {
  readonly root: Directory;
  /** Members of all layers. */
  readonly entries: number;
  /** How many of them had names that lead out of the image; they are held below its root. */
  readonly outside: number;
}

/**
 * Layers read side by side: while one is unpacked by zlib on its own thread, another is hashed and listed. More would
 * only take memory: hashing is on one thread.
 */
const AT_ONCE = 2;

/**
 * Reads every layer once, as streams, checking every digest. Memory: the index, of at most `indexLimit` bytes by our
 * account (TooLarge beyond), and about 4 MiB a layer read at once, whatever the image's size.
 *
 * Throws ImageError: what opening and reading the layers can meet; the signal's reason if it is aborted.
 */
export const surveyImage = async (
  image: Pick<Image, 'reference' | 'layers'>,
  options: { readonly signal?: AbortSignal | undefined; readonly indexLimit?: number } = {},
): Promise<Survey> => {
  const budget: Budget = { limit: options.indexLimit ?? INDEX_LIMIT, spent: 0 };
  const failed = new AbortController();
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const trees = new Array<Awaited<ReturnType<typeof readLayer>>>(image.layers.length);
  const waiting = image.layers.map((layer, i) => ({ layer, i })).reverse();

  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
      trees[next.i] = await readLayer(
        next.layer,
        `${image.reference}, layer ${next.layer.digest}`,
        budget,
        signal,
      );
  };
  const workers = Array.from({ length: AT_ONCE }, async () => {
    try {
      await worker();
    } catch (error) {
      // The others stop, and this is the error that is told.
      failed.abort(error);
      throw error;
    }
  });
  const results = await Promise.allSettled(workers);
  if (results.some(({ status }) => status === 'rejected')) throw signal.reason;

  let root: Directory = { kind: 'directory' };
  for (const tree of trees) root = overlay(root, tree.root);
  const sum = (of: 'entries' | 'outside'): number =>
    trees.reduce((total, { counts }) => total + counts[of], 0);
  return { root, entries: sum('entries'), outside: sum('outside') };
};

const readLayer = async (
  layer: Layer,
  where: string,
  budget: Budget,
  signal: AbortSignal,
): Promise<Pick<ReturnType<typeof layerTree>, 'root' | 'counts'>> => {
  const { visitor, root, counts } = layerTree(budget, where);
  const reader = tarReader(visitor, where);
  for await (const chunk of layer.open(signal)) {
    signal.throwIfAborted();
    reader.write(chunk);
  }
  reader.end();
  return { root, counts };
};
