/**
 * `make demo`: the whole way on a cluster. A real Kubernetes with a real node comes up in namespaces of its own, the
 * operator is installed on it, and one EdgeBuild makes an ARM64 image of an unmodified Dockerfile. Of OpenShift itself,
 * whose servers cannot be had here, there is a stand-in (test/openshift). Nothing of this machine is changed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { platformOf } from '../src/api/platforms.ts';
import { readConfig } from '../src/config.ts';
import { openWorkspace } from '../src/engines/local/workspace.ts';
import { basePath, exists, makeBase, releaseOfThisMachine } from './base.ts';
import { handlersOfThisMachine, inWords } from './machine.ts';
import { ended, runDemo } from './programs.ts';
import { heading, quote } from './words.ts';

const here = (path: string): string => join(import.meta.dirname, path);
const platform = platformOf('linux/arm64');

/** The base image of the Dockerfile, made once and kept. */
const makeOrFindBase = async (signal: AbortSignal): Promise<string> => {
  const workspace = await openWorkspace(join(readConfig().cacheDirectory, 'demo'));
  const release = await releaseOfThisMachine(platform);
  const base = basePath(workspace, platform, release);
  if (await exists(base)) {
    heading(`The base image of an earlier run is there: ${base}`);
    return base;
  }
  heading(
    `A base image, made of ${release.suite}'s ${platform.debian} packages by apt, without any registry`,
  );
  const run = await workspace.openRun(signal);
  try {
    await makeBase({ workspace, run, platform }, release, { signal, onLine: quote });
  } finally {
    await run.close();
  }
  return base;
};

const main = async (signal: AbortSignal): Promise<void> => {
  const before = await handlersOfThisMachine();
  const base = await makeOrFindBase(signal);
  heading('A cluster, in namespaces of its own');
  const command = [here('../test/cluster/enter.ts'), '--', process.execPath, here('in-box.ts'), base];
  const child = spawn(process.execPath, command, { stdio: 'inherit' });
  await ended(child, 'the demo in the cluster', signal);

  const after = await handlersOfThisMachine();
  heading('What this machine is left with');
  quote(
    `binfmt_misc before: ${inWords(before)}; after: ${before === after ? 'the same, byte for byte' : inWords(after)}`,
  );
  if (before !== after) throw new Error('binfmt_misc of this machine has changed');
  quote('image: test-arm-container.oci.tar; on the device: podman load -i test-arm-container.oci.tar');
  heading('Done.');
};

await runDemo(main);
