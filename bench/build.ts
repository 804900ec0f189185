/**
 * What EdgeBuild adds to a build: `edgebuild build` beside buildah alone, on the same Dockerfile, emulated, no layer
 * cached on either side. buildah runs in a namespace that is prepared before the clock starts: handlers proven, base
 * imported, context in place; it builds and writes the archive. EdgeBuild does all of that itself, and reads, verifies
 * and runs the image before it writes the archive.
 *
 * The Dockerfile computes and writes files: work that no network makes slower or faster. Needs `make build`.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { platformOf } from '../src/api/platforms.ts';
import { prepareBase } from '../src/engines/local/bases.ts';
import { builderOf } from '../src/engines/local/buildah.ts';
import { openWorkspace } from '../src/engines/local/workspace.ts';
import { readConfig } from '../src/config.ts';
import { inPairs, line } from './pairs.ts';
import { baseImages } from '../test/support/bases.ts';
import { writeArchive } from '../test/support/images.ts';

const root = join(import.meta.dirname, '..');
const platform = platformOf('linux/arm64');
const work =
  'i=0; while [ $i -lt 12 ]; do busybox head -c 8000000 /dev/zero | busybox sha256sum; i=$((i+1)); done';
const steps = [1, 2, 3, 4, 5].map(
  (step) => `RUN ${work} > /sums-${step}; busybox head -c 2000000 /dev/urandom > /data-${step}`,
);
const dockerfile = ['FROM tiny', ...steps, 'CMD ["/bin/sh"]', ''].join('\n');

const main = async (directory: string, pairs: number): Promise<void> => {
  const { signal } = new AbortController();
  const base = writeArchive(join(directory, 'tiny.oci.tar'), baseImages({ platform: platform.name }));
  const cache = join(directory, 'cache');
  const file = join(directory, 'edgebuild.json');
  const source = { dockerfile };
  const object = {
    apiVersion: 'edgebuild.io/v1alpha1',
    kind: 'EdgeBuild',
    metadata: { name: 'bench' },
    spec: { source },
  };
  await writeFile(file, JSON.stringify(object));
  const ours = (): Promise<unknown> =>
    execa(
      process.execPath,
      [
        ...[
          join(root, 'dist/main.js'),
          'build',
          '-f',
          file,
          '--no-cache',
          '--base',
          `tiny=oci-archive:${base}`,
        ],
        ...['--to', `oci-archive:${join(directory, 'ours.tar')}`],
      ],
      { env: { XDG_CACHE_HOME: cache } },
    );

  const workspace = await openWorkspace(join(directory, 'plain'));
  const run = await workspace.openRun(signal);
  try {
    const builder = builderOf(platform, workspace, run);
    const prepared = await prepareBase(
      { text: 'tiny', reference: `oci-archive:${base}`, platform },
      { workspace, environment: readConfig().environment, signal, onFetch: () => undefined },
    );
    await mkdir(join(run.prepared, 'context'));
    const pinned = dockerfile.replace('FROM tiny', `FROM ${prepared.imageId}`);
    await writeFile(join(run.prepared, 'Dockerfile'), pinned);
    const inSandbox = async (script: string): Promise<void> => {
      const lines: string[] = [];
      const status = await workspace.run(
        {
          command: ['sh', '-c', script],
          environment: builder.environment,
          signal,
          onLine: (text) => lines.push(text),
        },
        [platform],
      );
      if (status !== 0) throw new Error(`${script}: ${status}\n${lines.slice(-5).join('\n')}`);
    };
    const name = `localhost/tiny@${prepared.digest}`;
    const from = `oci:${workspace.inside(prepared.layout)}:base`;
    await inSandbox(
      `mkdir -p ${workspace.inside(join(workspace.writable, 'storage'))} && skopeo copy --quiet --insecure-policy ${from} '${builder.reference(name)}'`,
    );
    const build = builder.buildah(
      'build',
      '--layers',
      '--no-cache',
      '--force-rm',
      '--pull-never',
      '--network=host',
    );
    const made = workspace.inside(run.made);
    const prefix = [
      ...[
        ...build,
        `--platform=${platform.name}`,
        `--file=${workspace.inside(join(run.prepared, 'Dockerfile'))}`,
      ],
      ...[`--iidfile=${made}/id`, workspace.inside(join(run.prepared, 'context'))],
    ].join(' ');
    const push = builder.buildah('push', '--quiet').join(' ');
    const theirs = (): Promise<void> =>
      inSandbox(
        `rm -f ${made}/plain.tar && ${prefix} && ${push} $(cat ${made}/id) oci-archive:${made}/plain.tar`,
      );
    const result = await inPairs(pairs, ours, theirs);
    process.stdout.write(`${line('edgebuild build / buildah', result, 1.1)}\n`);
  } finally {
    await run.close();
    await workspace.run({ command: ['rm', '-rf', '--', workspace.inside(workspace.writable)], signal });
  }
};

export const benchBuild = async (pairs: number): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'edgebuild-bench-'));
  try {
    await main(directory, pairs);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
