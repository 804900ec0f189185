import { components } from './names.ts';
import type { Directory, File, Node } from './nodes.ts';

/** Where a path of the image leads. */
export type Resolution =
  | {
      readonly state: 'found';
      readonly node: Directory | File;
      /** The path without any link. */
      readonly path: string;
      /** The links that were followed, as `path -> target`. */
      readonly links: readonly string[];
    }
  | { readonly state: 'missing' | 'loop' | 'notDirectory'; readonly at: string };

/** The kernel's limit (include/linux/namei.h, MAXSYMLINKS). */
const MAX_LINKS = 40;
/** PATH_MAX of Linux, with its NUL. */
const MAX_PATH = 4096;

/**
 * Follows a path as a process whose root is the image would: absolute links begin at the image's root, `..` of the root
 * is the root, more than 40 links are a loop. `path` is taken from `cwd`, which begins at the root.
 *
 * Pure; reads nothing of the machine. Paths are bytes as latin1.
 */
export const resolve = (root: Directory, path: string, cwd = '/'): Resolution => {
  const parents: { readonly name: string; readonly node: Directory }[] = [];
  const links: string[] = [];
  const at = (name: string): string => `/${[...parents.map((parent) => parent.name), name].join('/')}`;
  const here = (): Directory => parents.at(-1)?.node ?? root;
  let file: { readonly name: string; readonly node: File } | undefined;

  if (path.length >= MAX_PATH) return { state: 'missing', at: `${path.slice(0, 64)}…` };
  const pending = (path.startsWith('/') ? path : `${cwd}/${path}`).split('/').reverse();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (file !== undefined) return { state: 'notDirectory', at: at(file.name) };
    if (name === '' || name === '.') continue;
    if (name === '..') {
      parents.pop();
      continue;
    }
    const node = here().children?.get(name);
    if (node === undefined || node.kind === 'whiteout' || node.kind === 'lateLink')
      return { state: 'missing', at: at(name) };
    if (node.kind === 'directory') {
      parents.push({ name, node });
      continue;
    }
    if (node.kind !== 'symlink') {
      file = { name, node };
      continue;
    }
    links.push(`${at(name)} -> ${node.target}`);
    if (links.length > MAX_LINKS) return { state: 'loop', at: at(name) };
    if (node.target.startsWith('/')) parents.length = 0;
    pending.push(...node.target.split('/').reverse());
  }
  if (file === undefined)
    return { state: 'found', node: here(), path: at('').replace(/(?<=.)\/$/, ''), links };
  return { state: 'found', node: file.node, path: at(file.name), links };
};

/** The node a hard link's target names: links are followed on the way to it, it itself is not. */
export const nodeAt = (root: Directory, path: string): Node | undefined => {
  const { names } = components(path);
  const name = names.at(-1);
  if (name === undefined) return root;
  const parent = resolve(root, `/${names.slice(0, -1).join('/')}`);
  if (parent.state !== 'found' || parent.node.kind !== 'directory') return undefined;
  return parent.node.children?.get(name);
};
