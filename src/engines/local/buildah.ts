import { join } from 'node:path';
import type { Platform } from '../../api/platforms.ts';
import type { Run, Workspace } from './workspace.ts';

/**
 * buildah, as it is run in a sandbox: its storage is one a platform (two platforms' images of one name never meet, and
 * side-by-side builds wait for no common lock), its run state is the sandbox's own and ends with it. What the machine
 * configures for containers is not read.
 */
export interface Builder {
  readonly environment: Readonly<Record<string, string>>;
  /** Outside path: held shared by whoever works in the storage, exclusively by whoever cleans it. */
  readonly lock: string;
  /** A command line around buildah's own arguments. */
  readonly buildah: (...given: readonly string[]) => readonly [string, ...string[]];
  /** containers-storage reference of a name in this storage. */
  readonly reference: (name: string) => string;
}

export const runState = '/tmp/run/storage';

export const containerEnvironment = {
  STORAGE_DRIVER: 'overlay',
  BUILDAH_ISOLATION: 'chroot',
  CONTAINERS_STORAGE_CONF: '/dev/null',
  CONTAINERS_CONF: '/dev/null',
  CONTAINERS_REGISTRIES_CONF: '/dev/null',
};

export const builderOf = (platform: Platform, workspace: Workspace, run: Run): Builder => {
  const storage = join(workspace.writable, 'storage', platform.name.replaceAll('/', '-'));
  const root = workspace.inside(storage);
  return {
    lock: `${storage}.lock`,
    environment: {
      TMPDIR: workspace.inside(join(run.made, 'tmp')),
      ...containerEnvironment,
    },
    buildah: (...given) => ['buildah', `--root=${root}`, `--runroot=${runState}`, ...given],
    reference: (name) => `containers-storage:[overlay@${root}+${runState}]${name}`,
  };
};

/** `buildah version 1.28.2 (image-spec …)` → [1, 28]. */
export const parseVersion = (text: string): readonly [number, number] | undefined => {
  const found = /(\d+)\.(\d+)/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
};

export const isAtLeast = (version: readonly [number, number], wanted: string): boolean => {
  const [major, minor] = parseVersion(wanted) ?? [0, 0];
  return version[0] > major || (version[0] === major && version[1] >= minor);
};

/** A step as buildah announces it: `STEP 2/6: RUN …`, `[2/2] STEP 1/3: FROM …`. */
export interface Step {
  /** Counted from 1. */
  readonly stage: number;
  readonly step: number;
  readonly steps: number;
  readonly text: string;
}

export const parseStep = (line: string): Step | undefined => {
  const found = /^(?:\[(\d+)\/\d+\] )?STEP (\d+)\/(\d+): (.*)$/.exec(line);
  if (found === null) return undefined;
  const [, stage = '1', step, steps, text = ''] = found;
  return { stage: Number(stage), step: Number(step), steps: Number(steps), text };
};
