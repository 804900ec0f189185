import type { Directory, Node, Whiteout } from './nodes.ts';
import { nodeAt } from './resolve.ts';

export const whiteout: Whiteout = { kind: 'whiteout' };

/** Puts a node under a name of a layer's directory; a directory joins the one that is there. */
export const put = (parent: Directory, name: string, node: Node): void => {
  parent.children ??= new Map();
  const before = parent.children.get(name);
  if (node.kind === 'directory') {
    if (before?.kind === 'directory') return;
    if (before?.kind === 'whiteout') node.opaque = true;
  }
  if (node.kind === 'whiteout' && before !== undefined) {
    if (before.kind === 'directory') before.opaque = true;
    return;
  }
  parent.children.set(name, node);
};

/**
 * Lays a layer over what is below and returns the result. Both trees are used up.
 *
 * As overlayfs shows it: a directory over anything else replaces it, over a directory joins it; all else replaces.
 */
export const overlay = (below: Directory, layer: Directory): Directory => {
  const late: { parent: Directory; name: string; target: string }[] = [];
  const root = layer.opaque === true ? { kind: 'directory' as const } : below;
  const pending: [Directory, Directory][] = [[root, layer]];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [under, over] = pair;
    for (const [name, node] of over.children ?? []) {
      const before = under.children?.get(name);
      if (node.kind === 'whiteout') {
        under.children?.delete(name);
        continue;
      }
      under.children ??= new Map();
      if (node.kind === 'directory') {
        const joined: Directory =
          before?.kind === 'directory' && node.opaque !== true ? before : { kind: 'directory' };
        under.children.set(name, joined);
        pending.push([joined, node]);
        continue;
      }
      under.children.set(name, node);
      if (node.kind === 'lateLink') late.push({ parent: under, name, target: node.target });
    }
    delete over.children;
  }
  for (const { parent, name, target } of late) {
    const found = nodeAt(root, target);
    // A link to nothing stays: what leads to it is answered as missing.
    if (found !== undefined && found.kind !== 'directory') parent.children?.set(name, share(found));
  }
  return root;
};

/** The node of two names: a file with several names counts once. */
export const share = (node: Node): Node => {
  if (node.kind === 'elf') node.shared = true;
  return node;
};
