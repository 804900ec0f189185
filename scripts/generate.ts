/**
 * Writes every generated file of the repository; with `--check` writes nothing and fails, naming them, if any differs.
 *
 *     node scripts/generate.ts [--check]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crdYaml } from '../src/api/crd.ts';

/** The text of each generated file, by its path in the repository. */
const generated: Readonly<Record<string, () => string>> = {
  'crds/edgebuild.io_edgebuilds.yaml': crdYaml,
};

const root = join(import.meta.dirname, '..');

const contentOf = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const check = process.argv.includes('--check');
for (const [path, make] of Object.entries(generated)) {
  const text = make();
  if ((await contentOf(path)) === text) continue;
  if (check) {
    console.error(`${path} is not what src/api says: run node scripts/generate.ts`);
    process.exitCode = 1;
    continue;
  }
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  console.log(`wrote ${path}`);
}
