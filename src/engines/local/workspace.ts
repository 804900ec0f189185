import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, relative } from 'node:path';
import type { Platform } from '../../api/platforms.ts';
import { EnvironmentError } from '../environment-error.ts';
import { BuildFailure } from '../failure.ts';
import { findEmulator } from './emulators.ts';
import { registration } from './binfmt.ts';
import { giveToSandbox } from './ownership.ts';
import { probeOf } from './probe.ts';
import { type Emulator, runInSandbox, type SandboxCommand, sandboxRoot } from './sandbox.ts';
import { type IdRange, subordinateRange } from './subordinate-ids.ts';

/**
 * The cache directory, as an engine uses it:
 *
 *     bases/KEY/               base images as OCI layouts; ours, read by sandboxes
 *     probes/TARGET            one tiny program a platform; ours, run by sandboxes
 *     runs/ID/                 what one build prepares; ours, gone at its end
 *     uncleaned/               notes of containers to remove once their storage is idle; ours
 *     sandbox-FIRSTID/storage/ buildah's storage, one a platform: the layer cache; the sandbox's
 *     sandbox-FIRSTID/runs/ID/ what one build makes; the sandbox's, gone at its end
 *
 * What sandboxes write belongs to subordinate ids, and only sandboxes can remove it.
 */
export interface Workspace {
  readonly directory: string;
  /** Where sandboxes write. */
  readonly writable: string;
  /** The path by which sandboxes see a file of the cache directory. */
  readonly inside: (path: string) => string;
  /** Runs a command where programs of these platforms run, emulated. */
  readonly run: (command: SandboxCommand, emulated?: readonly Platform[]) => Promise<number>;
  /** Makes the two directories of one build. */
  readonly openRun: (signal: AbortSignal) => Promise<Run>;
  /** Removes them. */
  readonly removeRun: (id: string) => Promise<void>;
}

export interface Run {
  readonly id: string;
  /** Ours. */
  readonly prepared: string;
  /** The sandbox's. */
  readonly made: string;
  readonly close: () => Promise<void>;
}

/** @throws EnvironmentError if this user has no subordinate ids, or may not write the directory. */
export const openWorkspace = async (directory: string): Promise<Workspace> => {
  const user = thisUser();
  const asRoot = user.uid === 0;
  const ids = await subordinateRange(user);
  const writable = join(directory, `sandbox-${ids.uid}`);
  try {
    await makeDirectories(directory, writable);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined || code === 'ENOSPC') throw error;
    throw new EnvironmentError(
      `the cache directory ${directory} cannot be used: ${code}`,
      'make it writable for you, or set XDG_CACHE_HOME to a directory that is',
    );
  }
  // Another owner: the directory is new, or whoever made it was killed at this point.
  if ((await stat(writable)).uid !== ids.uid) {
    await (asRoot ? giveByRoot(writable, ids) : giveToSandbox(writable, ids, user));
  }

  const inside = (path: string): string => join(sandboxRoot, relative(directory, path));
  const run = async (command: SandboxCommand, emulated: readonly Platform[] = []): Promise<number> => {
    const emulators = await Promise.all(oneEach(emulated).map((platform) => emulatorOf(directory, platform)));
    return runInSandbox({ sharedDirectory: directory, ids, asRoot, emulators }, command);
  };
  const removeRun = async (id: string): Promise<void> => {
    const made = inside(join(writable, 'runs', id));
    // Also after an interrupt: its signal must not keep this from running.
    await run({ command: ['rm', '-rf', '--', made], signal: AbortSignal.timeout(60_000) });
    await rm(join(directory, 'runs', id), { recursive: true, force: true });
  };

  return {
    directory,
    writable,
    inside,
    run,
    openRun: async (signal) => {
      const id = `${process.pid}-${randomBytes(4).toString('hex')}`;
      const prepared = join(directory, 'runs', id);
      const made = join(writable, 'runs', id);
      await mkdir(prepared, { recursive: true });
      try {
        const status = await run({ command: ['mkdir', '-p', inside(join(made, 'tmp'))], signal });
        if (status !== 0) throw new BuildFailure('DiskFull', `${made} could not be made: is the disk full?`);
      } catch (error) {
        // Where no sandbox can run, none has made anything either.
        await removeRun(id).catch(() => rm(prepared, { recursive: true, force: true }));
        throw error;
      }
      return { id, prepared, made, close: () => removeRun(id) };
    },
    removeRun,
  };
};

/** Root of a user namespace that does not have these ids may not give them anything: EINVAL. */
const giveByRoot = (directory: string, ids: IdRange): Promise<void> =>
  chown(directory, ids.uid, ids.gid).catch((error: unknown) => {
    throw new EnvironmentError(
      `${directory} cannot be given to the sandbox's ids, from ${ids.uid} on (${(error as NodeJS.ErrnoException).code ?? 'refused'})`,
      'run EdgeBuild outside of other user namespaces, with its cache on a file system that keeps owners',
    );
  });

const thisUser = (): { readonly uid: number; readonly gid: number; readonly name: string } => {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  if (uid === undefined || gid === undefined || process.platform !== 'linux') {
    throw new EnvironmentError(`builds run on Linux, and this is ${process.platform}`, 'use a Linux machine');
  }
  try {
    return { uid, gid, name: userInfo().username };
  } catch {
    // No entry in /etc/passwd; /etc/subuid takes numbers too.
    return { uid, gid, name: String(uid) };
  }
};

const makeDirectories = async (directory: string, writable: string): Promise<void> => {
  for (const part of ['bases', 'probes', 'runs']) await mkdir(join(directory, part), { recursive: true });
  // Sandboxes enter here as nobody: what they are to read is open to all.
  await chmod(directory, 0o755);
  await mkdir(writable, { recursive: true });
};

/** One emulator serves several variants of an architecture. */
const oneEach = (platforms: readonly Platform[]): Platform[] => [
  ...new Map(platforms.map((platform) => [platform.qemu, platform])).values(),
];

const emulatorOf = async (directory: string, platform: Platform): Promise<Emulator> => {
  const interpreter = await findEmulator(platform);
  const probe = join(directory, 'probes', platform.qemu);
  const bytes = probeOf(platform);
  const written = await readFile(probe).catch(() => undefined);
  if (written?.equals(bytes) !== true) await writeProbe(probe, bytes);
  return {
    platform: platform.name,
    registration: registration(platform, interpreter),
    probe: `${sandboxRoot}/probes/${platform.qemu}`,
  };
};

/** Two builds may write it at once: each renames a whole file into place. */
const writeProbe = async (path: string, bytes: Buffer): Promise<void> => {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, bytes);
  await chmod(temporary, 0o755);
  await rename(temporary, path);
};
