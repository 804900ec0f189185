import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { build as bundle } from 'esbuild';
import { emulatorOf } from '../agent/emulators.ts';
import { architectures } from '../src/emulation/architectures.ts';
import { librariesOf } from './root-filesystem.ts';

// Both images for tests, in .cache/images: `operator.oci.tar` and `agent.oci.tar` are links to the last that were built.
// They are built anew only where something differs that they are made of:
//
//     node scripts/images.ts

const repository = join(import.meta.dirname, '..');
const cache = join(repository, '.cache/images');

/** A program of ours and all of ours that it imports. The lock file stands for packages. */
const sourcesOf = async (...programs: readonly string[]): Promise<readonly string[]> => {
  const { metafile } = await bundle({
    ...{ entryPoints: [...programs], absWorkingDir: repository, outdir: cache, write: false, metafile: true },
    ...{ bundle: true, packages: 'external', format: 'esm', platform: 'node', logLevel: 'warning' },
  });
  return [...Object.keys(metafile.inputs), 'package.json', 'package-lock.json']
    .map((path) => join(repository, path))
    .sort();
};

const node = join(repository, 'node_modules/node/bin/node');
/** Files that an image is made of. */
const inputs = {
  operator: async () => [
    ...(await sourcesOf('src/main.ts', 'scripts/bundle.ts', 'scripts/image-operator.ts')),
    ...[join(repository, 'LICENSE'), '/etc/ssl/certs/ca-certificates.crt'],
    ...[node, ...(await librariesOf(node))],
  ],
  agent: async () => [
    ...(await sourcesOf('scripts/image-agent.ts')),
    ...['agent.sh', 'prove.sh', 'probe.sh'].map((program) => join(repository, 'agent', program)),
    ...['/bin/busybox', '/usr/bin/chcon', ...(await librariesOf('/usr/bin/chcon'))],
    ...architectures.map(({ name }) => emulatorOf(name)),
  ],
};

const keyOf = async (files: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = await readFile(file);
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
};

/** Complete or not there at all, whoever else builds at the same time. */
const build = async (name: keyof typeof inputs): Promise<void> => {
  const key = await keyOf(await inputs[name]());
  const file = `${name}-${key}.oci.tar`;
  const own = join(cache, `.${name}-${process.pid}`);
  if (!(await readdir(cache)).includes(file)) {
    process.stderr.write(`building the image of the ${name}\n`);
    await execa(process.execPath, [`scripts/image-${name}.ts`, '--to', `oci-archive:${own}`], {
      cwd: repository,
    });
    await rename(own, join(cache, file));
  }
  await symlink(file, own);
  await rename(own, join(cache, `${name}.oci.tar`));
  await removeOld(`${name}-`, file);
};

/** An image of other sources may be in use by somebody's tests for as long as those last. */
const removeOld = async (prefix: string, current: string): Promise<void> => {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(prefix) || name === current) continue;
    if (Date.now() - (await stat(join(cache, name))).mtimeMs > 3_600_000) await rm(join(cache, name));
  }
};

await mkdir(cache, { recursive: true });
await build('operator');
await build('agent');
