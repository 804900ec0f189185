import { ImageError } from './errors.ts';
import { headReader } from './head.ts';
import { nodeAt } from './resolve.ts';
import { components, shown } from './names.ts';
import type { Directory, Node } from './nodes.ts';
import { put, share, whiteout } from './tree.ts';
import type { TarEntry, TarVisitor } from './tar.ts';

/**
 * What may be kept of all layers together, by our own account of it: a million files with names of 150 bytes. Peak memory
 * was seen to stay below twice the limit [run: test/image/bounds.test.ts]. Shared by the layers of an image.
 */
export interface Budget {
  readonly limit: number;
  spent: number;
}

export const INDEX_LIMIT = 256 * 1024 * 1024;

/** A map slot and the string's header; a directory's map; an object of our own. */
const ENTRY_COST = 112;
const MAP_COST = 256;
const OBJECT_COST = 96;
const MAX_LINKS = 40;

/** The tree of one layer, while its tar is read. */
export interface LayerTree {
  readonly visitor: TarVisitor;
  readonly root: Directory;
  /** Entries so far, and how many had names that lead out of the root (they are held below it). */
  readonly counts: { entries: number; outside: number };
}

export const layerTree = (budget: Budget, where: string): LayerTree => {
  const root: Directory = { kind: 'directory' };
  const counts = { entries: 0, outside: 0 };
  const head = headReader();
  // Where the entry being read goes. Tars list a directory's files together, so its parent is mostly the last one's;
  // an entry that could replace that parent has another parent path, which ends the shortcut.
  let lastPath: string | undefined;
  let parent = root;
  let name = '';

  const charge = (bytes: number): void => {
    budget.spent += bytes;
    if (budget.spent <= budget.limit) return;
    const mebibytes = Math.round(budget.limit / 1024 / 1024);
    throw new ImageError(
      'TooLarge',
      `${where}: too many files: their names take more than ${mebibytes} MiB after ${counts.entries} entries of this layer`,
    );
  };

  /** The directory at these names, made where absent; links of this same layer are followed, as unpacking does. */
  const directoryAt = (names: readonly string[]): Directory => {
    let links = 0;
    let stack: Directory[] = [root];
    const pending = names.toReversed();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const here = stack.at(-1) ?? root;
      if (next === '' || next === '.') continue;
      if (next === '..') {
        if (stack.length > 1) stack.pop();
        continue;
      }
      const child = here.children?.get(next);
      if (child?.kind === 'directory') {
        stack.push(child);
      } else if (child?.kind === 'symlink') {
        links += 1;
        if (links > MAX_LINKS)
          throw new ImageError(
            'Corrupt',
            `${where}: an entry leads through links in a circle at ${shown(next)}`,
          );
        if (child.target.startsWith('/')) stack = [root];
        pending.push(...child.target.split('/').reverse());
      } else {
        charge(ENTRY_COST + OBJECT_COST + MAP_COST);
        const made: Directory = { kind: 'directory' };
        put(here, next, made);
        stack.push(made);
      }
    }
    return stack.at(-1) ?? root;
  };

  const place = (path: string): boolean => {
    counts.entries += 1;
    const slash = path.lastIndexOf('/');
    const parentPath = path.slice(0, slash + 1);
    const base = owned(path.slice(slash + 1));
    if (parentPath === lastPath && base !== '' && base !== '.' && base !== '..') {
      name = base;
      return true;
    }
    const { names, outside } = components(path);
    if (outside) counts.outside += 1;
    lastPath = undefined;
    name = owned(names.at(-1) ?? '');
    if (name === '') return false;
    parent = directoryAt(names.slice(0, -1));
    if (name === base && !outside) lastPath = parentPath;
    return true;
  };

  const hide = (): void => {
    const hidden = name.slice('.wh.'.length);
    if (hidden === '.wh..opq') parent.opaque = true;
    // `.wh..wh.` begins the names AUFS keeps for itself.
    else if (!hidden.startsWith('.wh.') && hidden !== '' && hidden !== '.' && hidden !== '..') {
      charge(ENTRY_COST + name.length);
      put(parent, hidden, whiteout);
    }
  };

  const hardLink = (entry: TarEntry): Node => {
    const found = nodeAt(root, entry.linkname);
    if (found !== undefined && found.kind !== 'directory' && found.kind !== 'whiteout') return share(found);
    charge(OBJECT_COST + entry.linkname.length);
    return { kind: 'lateLink', target: entry.linkname };
  };

  const keep = (node: Node): void => {
    put(parent, name, node);
  };

  const entry = (member: TarEntry): ReturnType<TarVisitor['entry']> => {
    if (!place(member.name)) return undefined;
    if (name.startsWith('.wh.')) {
      hide();
      return undefined;
    }
    charge(ENTRY_COST + member.name.length + (parent.children === undefined ? MAP_COST : 0));
    switch (member.type) {
      case 'directory':
        charge(OBJECT_COST);
        keep({ kind: 'directory' });
        return undefined;
      case 'symlink':
        charge(OBJECT_COST + member.linkname.length);
        keep({ kind: 'symlink', target: member.linkname });
        return undefined;
      case 'hardlink':
        keep(hardLink(member));
        return undefined;
      case 'special':
      case 'other':
        keep({ kind: 'special' });
        return undefined;
      case 'file': {
        const { file, range } = head.begin(member);
        keep(file);
        return range;
      }
    }
  };

  const body: NonNullable<TarVisitor['body']> = (member, bytes, range) => {
    const { file, range: next } = head.go(member, bytes, range);
    if (file !== undefined) {
      if (file.kind === 'elf')
        charge(
          2 * OBJECT_COST + (file.elf.interpreter.state === 'path' ? file.elf.interpreter.path.length : 0),
        );
      if (file.kind === 'script') charge(OBJECT_COST + file.line.length);
      put(parent, name, file);
    }
    return next;
  };

  return { visitor: { entry, body }, root, counts };
};

/** A part of a string, V8 keeps as a view of the whole if it is this long: copied, so that a name does not keep its path. */
const owned = (part: string): string =>
  part.length < 13 ? part : Buffer.from(part, 'latin1').toString('latin1');
