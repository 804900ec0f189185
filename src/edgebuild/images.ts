import type { ImageFacts } from '../engines/openshift/types.ts';

/**
 * What was read of images, by digest: it never changes, so it is read once by a process. What is forgotten is read again.
 */
export interface KnownImages {
  readonly facts: (digest: string) => ImageFacts | undefined;
  readonly learn: (facts: ImageFacts) => void;
  /** The image that a build pushed, where the build itself does not say it: by namespace/build. */
  readonly pushed: (build: string) => string | undefined;
  readonly learnPushed: (build: string, digest: string) => void;
  /** Digests of the images in an index. */
  readonly index: (digest: string) => readonly string[] | undefined;
  readonly learnIndex: (digest: string, children: readonly string[]) => void;
}

/** A tag whose image is to be read before more can be said. */
export interface Unread {
  readonly stream: string;
  readonly tag: string;
  /** The image itself, where it is known which. */
  readonly digest?: string;
  /** The build whose image it should be, for staging tags. */
  readonly build?: string;
}

const maxKnown = 20_000;

export const createKnownImages = (): KnownImages => {
  const facts = bounded<ImageFacts>();
  const pushed = bounded<string>();
  const indexes = bounded<readonly string[]>();
  return {
    facts: facts.get,
    learn: (one) => {
      facts.set(one.digest, one);
    },
    pushed: pushed.get,
    learnPushed: pushed.set,
    index: indexes.get,
    learnIndex: indexes.set,
  };
};

const bounded = <Value>() => {
  const values = new Map<string, Value>();
  return {
    get: (key: string): Value | undefined => values.get(key),
    set: (key: string, value: Value): void => {
      if (values.size >= maxKnown) values.clear();
      values.set(key, value);
    },
  };
};
