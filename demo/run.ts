/**
 * `make demo`: the whole way on a cluster. A real Kubernetes with a real node comes up in namespaces of its own, the
 * operator is installed on it, and one EdgeBuild makes an ARM64 image of an unmodified Dockerfile. Of OpenShift itself,
 * whose servers cannot be had here, there is a stand-in (test/openshift). Nothing of this machine is changed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { platformOf } from '../src/api/platforms.ts';
import { readConfig } from '../src/config.ts';
import { EnvironmentError } from '../src/engines/environment-error.ts';
import { openWorkspace } from '../src/engines/local/workspace.ts';
import { basePath, exists, makeBase, releaseOfThisMachine } from './base.ts';
import { handlersOfThisMachine, inWords } from './machine.ts';
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
  const end = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', end, { once: true });
  const status = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  signal.throwIfAborted();
  if (status !== 0) throw new Error(`the demo in the cluster ended with ${status ?? 'a signal'}: see above`);

  const after = await handlersOfThisMachine();
  heading('What this machine is left with');
  quote(
    `binfmt_misc before: ${inWords(before)}; after: ${before === after ? 'the same, byte for byte' : inWords(after)}`,
  );
  if (before !== after) throw new Error('binfmt_misc of this machine has changed');
  quote('image: test-arm-container.oci.tar; on the device: podman load -i test-arm-container.oci.tar');
  heading('Done.');
};

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    interruption.abort(new Error('interrupted'));
  });
try {
  await main(interruption.signal);
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof EnvironmentError) process.stderr.write(`to mend it: ${error.remedy}\n`);
  process.exitCode = interruption.signal.aborted ? 130 : error instanceof EnvironmentError ? 3 : 1;
}
