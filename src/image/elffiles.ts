import type { ElfTarget } from '../api/platforms.ts';
import type { Directory, File } from './nodes.ts';

/** The ELF files of an image, counted; a file with several names once. */
export interface ElfFiles {
  readonly total: number;
  /** One row for each kind of machine, the most frequent first. */
  readonly machines: readonly { readonly elf: ElfTarget; readonly count: number }[];
  /** How many are not of the wanted kind, and the first three by path (bytes as latin1). */
  readonly foreign: {
    readonly count: number;
    readonly examples: readonly { path: string; elf: ElfTarget }[];
  };
}

const EXAMPLES = 3;

/** Walks the whole tree once. `fits` says which ELF files are not foreign. */
export const countElfFiles = (root: Directory, fits: (elf: ElfTarget) => boolean): ElfFiles => {
  const machines = new Map<string, { elf: ElfTarget; count: number }>();
  const seen = new Set<File>();
  const examples: { path: string; elf: ElfTarget }[] = [];
  let total = 0;
  let foreign = 0;

  const note = (path: () => string, file: Extract<File, { kind: 'elf' }>): void => {
    if (file.shared === true) {
      if (seen.has(file)) return;
      seen.add(file);
    }
    total += 1;
    const { elf } = file;
    const key = `${elf.machine} ${elf.class} ${elf.byteOrder}`;
    const row = machines.get(key);
    if (row === undefined) machines.set(key, { elf, count: 1 });
    else row.count += 1;
    if (fits(elf)) return;
    foreign += 1;
    examples.push({ path: path(), elf });
    if (examples.length <= EXAMPLES) return;
    examples.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    examples.length = EXAMPLES;
  };

  const pending: { path: string; directory: Directory }[] = [{ path: '', directory: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, directory } = next;
    for (const [name, node] of directory.children ?? []) {
      if (node.kind === 'directory') pending.push({ path: `${path}/${name}`, directory: node });
      else if (node.kind === 'elf') note(() => `${path}/${name}`, node);
    }
  }
  examples.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const rows = [...machines.values()].sort((a, b) => b.count - a.count);
  return { total, machines: rows, foreign: { count: foreign, examples } };
};
