import type { Elf } from './elf.ts';

/**
 * The files of an image, or of one layer, as far as they bear on which machine runs them. Names are bytes as latin1.
 *
 * A layer becomes a tree of its own and is then laid over what is below it: a whiteout hides what is below only,
 * wherever in the layer it stands, and applying a layer costs no more than the layer has entries.
 */
export type Node = Directory | Symlink | File | Whiteout | LateLink;

export interface Directory {
  readonly kind: 'directory';
  /** Absent while empty: a million empty directories stay small. */
  children?: Map<string, Node>;
  /** In a layer: nothing of the same directory below shows through. */
  opaque?: boolean;
}

export interface Symlink {
  readonly kind: 'symlink';
  readonly target: string;
}

export type File =
  | { readonly kind: 'elf'; readonly elf: Elf; readonly executable: boolean; shared?: boolean }
  /** Begins with `#!`; `line` is the rest of the line, as far as a kernel reads it. */
  | { readonly kind: 'script'; readonly line: string; readonly executable: boolean }
  | { readonly kind: 'data'; readonly executable: boolean }
  /** A file whose first bytes are stored so that they were not read. */
  | { readonly kind: 'unread'; readonly why: string; readonly executable: boolean }
  /** Device, pipe, or a type of member nobody knows. */
  | { readonly kind: 'special' };

/** In a layer: the file of this name below is gone. */
export interface Whiteout {
  readonly kind: 'whiteout';
}

/** In a layer: a hard link to a file that only the layers below may have. */
export interface LateLink {
  readonly kind: 'lateLink';
  readonly target: string;
}
