import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

// Images made of what lies on this machine, by buildah and without any registry.

/** The libraries that a program is linked to, its ELF interpreter among them. */
export const librariesOf = async (program: string): Promise<readonly string[]> => {
  const { stdout } = await execa('ldd', [program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
};

/** Copies a program that is not static to `at` below `root`, and what it is linked to to the same paths as here. */
export const copyWithLibraries = async (program: string, root: string, at = program): Promise<void> => {
  const libraries = await librariesOf(program);
  for (const [from, to] of [[program, at], ...libraries.map((path) => [path, path] as const)] as const) {
    await mkdir(join(root, dirname(to)), { recursive: true });
    await copyFile(from, join(root, to));
  }
};

export interface ImageRecipe {
  readonly labels: Readonly<Record<string, string>>;
  /** Further flags of `buildah config`. */
  readonly config: readonly string[];
  /** As containers-transports(5) writes it: `oci-archive:FILE`. */
  readonly to: string;
}

/** Calls `fill` with an empty directory, and makes an image of one layer of what is there afterwards. */
export const buildImage = async (fill: (root: string) => Promise<ImageRecipe>): Promise<void> => {
  const workspace = await mkdtemp(join(tmpdir(), 'edgebuild-image-'));
  const buildah = async (...args: readonly string[]): Promise<string> => {
    const storage = [`--root=${workspace}/storage`, `--runroot=${workspace}/run`];
    return (await execa('buildah', ['--storage-driver=vfs', ...storage, ...args])).stdout;
  };
  try {
    const root = join(workspace, 'root');
    await mkdir(root);
    const { labels, config, to } = await fill(root);
    const container = await buildah('from', 'scratch');
    await buildah('copy', '--quiet', container, `${root}/`, '/');
    const labelled = Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
    await buildah('config', ...labelled, ...config, container);
    // All times are 0: the same files make the same image.
    const same = ['--timestamp=0', '--format=oci', '--disable-compression=false'];
    await buildah('commit', '--quiet', ...same, container, to);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
};
