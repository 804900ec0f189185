/** The builder, in a build pod, with the node's root as its own: `main.ts openshift-git-clone|…` */
import { mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Revision } from '../kinds.ts';
import { dockerBuild } from './docker-build.ts';
import { manageDockerfile } from './manage.ts';
import { surroundingsOf } from './place.ts';
import { run, say } from './programs.ts';
import { BuildError, putDetails, startTiming } from './report.ts';
import { cloneSource } from './source.ts';

const surroundings = surroundingsOf(process.env);
const { build, place, detailsUrl } = surroundings;
const timing = startTiming();

/** Processes of the pod's own namespace, and its nameservers. The mounts are the container's: they end with it. */
const settle = async (): Promise<void> => {
  mkdirSync(place.temporary, { recursive: true });
  const resolv = join(place.temporary, 'resolv.conf');
  writeFileSync(resolv, process.env['BUILD_RESOLV_CONF'] ?? '');
  await run({ command: ['mount', '-t', 'proc', 'proc', '/proc'] });
  await run({ command: ['mount', '--bind', resolv, realpathSync('/etc/resolv.conf')] });
};

const work = async (command: string | undefined): Promise<Revision | undefined> => {
  switch (command) {
    case 'openshift-git-clone':
      return cloneSource(build, place, timing);
    case 'openshift-manage-dockerfile':
      manageDockerfile(build, place);
      return undefined;
    case 'openshift-docker-build':
      await dockerBuild(surroundings, timing, (details) => putDetails(detailsUrl, details)).catch(explain);
      return undefined;
    default:
      throw new Error(`unknown command ${command ?? ''}`);
  }
};

const explain = (error: unknown): never => {
  if (error instanceof BuildError)
    throw new BuildError(error.reason, error.said, `build error: ${error.message}`);
  throw error;
};

/** buildah leaves a mount of the storage upon itself. */
const empty = async (storage: string): Promise<void> => {
  await run({ command: ['umount', '--recursive', '--lazy', join(storage, 'overlay')] });
  for (const name of readdirSync(storage)) rmSync(join(storage, name), { recursive: true, force: true });
};

// The first process of a container is not ended by a signal that it does not handle.
process.on('SIGTERM', () => process.exit(143));

const [command] = process.argv.slice(2);
await settle();
try {
  const revision = await work(command);
  const stages = timing.stages();
  if (stages.length > 0 || revision !== undefined)
    await putDetails(detailsUrl, { stages, ...(revision === undefined ? {} : { revision }) });
} catch (error) {
  const { reason, said } =
    error instanceof BuildError
      ? error
      : { reason: 'ManageDockerfileFailed', said: 'Failed to process the Dockerfile.' };
  await putDetails(detailsUrl, { phase: 'Failed', reason, message: said, stages: timing.stages() });
  say(`error: ${(error instanceof Error ? error.message : String(error)).trimEnd()}`);
  process.exitCode = 1;
} finally {
  // What was built is in the registry; the pod stays, and so would this.
  if (command === 'openshift-docker-build') await empty(place.storage).catch(() => undefined);
}
