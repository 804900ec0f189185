import type { EdgeBuildSpec } from '../../api/edgebuild.ts';
import { type Platform, platformOfMachine } from '../../api/platforms.ts';
import { machine as machineName } from 'node:os';
import { EnvironmentError } from '../environment-error.ts';
import type { Report } from '../progress.ts';
import { removeAbandoned } from './abandoned.ts';
import { type PreparedBase, prepareBase } from './bases.ts';
import { parseVersion } from './buildah.ts';
import { copyContext } from './context.ts';
import { type Destination, publish, type Published } from './destinations.ts';
import { pinned, readForPlatform, type WantedBase } from './dockerfiles.ts';
import type { PlatformImage } from './layout.ts';
import { runOutside } from './outside.ts';
import { buildPlatform, type PlatformBuild } from './platform-build.ts';
import { type ProvenImage, proveImage } from './proof.ts';
import { fetchSource, type Source } from './source.ts';
import { removeOwedContainers } from './storage.ts';
import { openWorkspace, type Run, type Workspace } from './workspace.ts';

export interface LocalEngineOptions {
  readonly spec: EdgeBuildSpec;
  /** `--base`: what stands after FROM, and the reference to use for it. */
  readonly bases: ReadonlyMap<string, string>;
  readonly context?: string;
  readonly noCache: boolean;
  readonly authfile?: string;
  readonly cacheDirectory: string;
  /** Of the user's own programs: git, skopeo. Nothing of it reaches a sandbox. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly report: Report;
}

/**
 * This machine as a builder of one EdgeBuild: git and skopeo with the user's rights, buildah and everything foreign in
 * sandboxes. It decides nothing about platforms, retries or publishing.
 */
export interface LocalEngine {
  /** Runs a foreign program of each platform, or says what is missing. @throws EnvironmentError */
  readonly proveEmulation: (platforms: readonly Platform[]) => Promise<void>;
  /** Reads the source once, for all platforms. @throws BuildFailure, the signal's reason */
  readonly fetchSource: (signal: AbortSignal) => Promise<void>;
  /** What `--base` named and no platform's Dockerfile uses, after the builds. */
  readonly unusedBases: () => readonly string[];
  /** One attempt: build, verify, prove. @throws BuildFailure, EnvironmentError, the signal's reason */
  readonly build: (
    platform: Platform,
    execution: 'Native' | 'Emulated',
    signal: AbortSignal,
  ) => Promise<ProvenImage>;
  /** @throws BuildFailure; the destination is then as it was. */
  readonly publish: (
    platforms: readonly Platform[],
    destination: Destination,
    name: string,
  ) => Promise<Published>;
  /** Removes everything of this build but the caches. */
  readonly close: () => Promise<void>;
}

/** The platform of this machine. @throws EnvironmentError if EdgeBuild has no row for it. */
export const thisMachine = (): Platform => {
  const platform = platformOfMachine(machineName());
  if (platform !== undefined) return platform;
  throw new EnvironmentError(
    `this machine calls itself ${machineName()}, which EdgeBuild does not know`,
    'use a machine of one of the platforms that EdgeBuild builds for',
  );
};

export const openLocalEngine = async (options: LocalEngineOptions): Promise<LocalEngine> => {
  const { spec, environment, report } = options;
  // Base images are shared by platforms: their fetching ends with the engine, not with one platform's time.
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const machine = thisMachine();
  // First: buildah does not even tell its version to a user without subordinate ids.
  const workspace = await openWorkspace(options.cacheDirectory);
  const buildah = await buildahVersion(environment, signal);
  await removeAbandoned(workspace);
  const run = await workspace.openRun(signal);
  let source: Source | undefined;
  const reading = (platform: Platform) =>
    readForPlatform(fetched(source), spec, options.bases, { platform, machine, buildah });
  const used = new Set<string>();
  const proven = new Map<string, PlatformImage>();
  const prepared = new Map<string, Promise<PreparedBase>>();

  const prepareOne = (base: WantedBase): Promise<PreparedBase> => {
    const key = `${base.platform.name} ${base.reference}`;
    const known = prepared.get(key);
    if (known !== undefined) return known;
    const preparing = prepareBase(base, {
      workspace,
      environment,
      ...(options.authfile === undefined ? {} : { authfile: options.authfile }),
      signal,
      onFetch: ({ text, reference, platform }) => {
        report({ kind: 'activity', text: `fetching ${text} for ${platform.name} (${reference})` });
      },
    }).then((found) => {
      if (found.warning !== undefined) report({ kind: 'warning', text: found.warning });
      return found;
    });
    // A failure is not kept: another attempt may find it.
    preparing.catch(() => prepared.delete(key));
    prepared.set(key, preparing);
    return preparing;
  };
  const prepareAll = async (
    wanted: readonly WantedBase[],
    attempt: AbortSignal,
  ): Promise<Map<WantedBase, PreparedBase>> => {
    const found = new Map<WantedBase, PreparedBase>();
    for (const base of wanted) {
      used.add(base.text);
      found.set(base, await unlessAborted(prepareOne(base), attempt));
    }
    return found;
  };

  return {
    proveEmulation: async (platforms) => {
      if (platforms.length > 0) await workspace.run({ command: ['true'], signal }, platforms);
    },
    fetchSource: async (attempt) => {
      source = await sourceOf(options, workspace, run, attempt);
    },
    unusedBases: () => [...options.bases.keys()].filter((text) => !used.has(text)),
    build: async (platform, execution, attempt) => {
      const read = reading(platform);
      const bases = await prepareAll(read.wanted, attempt);
      const dockerfile = pinned(read, bases, machine, platform, execution);
      const { noCache } = options;
      const build: PlatformBuild = {
        ...{ platform, execution, dockerfile, spec, machine, noCache, workspace, run, report },
        signal: attempt,
      };
      const image = await proveImage(build, await buildPlatform(build));
      proven.set(platform.name, { platform, layout: image.layout, digest: image.digest });
      return image;
    },
    publish: (platforms, destination, name) =>
      publish({
        ...{ destination, name, environment, signal },
        images: platforms.flatMap((platform) => proven.get(platform.name) ?? []),
        directory: run.prepared,
        ...(options.authfile === undefined ? {} : { authfile: options.authfile }),
      }),
    close: async () => {
      closing.abort();
      await Promise.allSettled(prepared.values());
      await run.close();
      await removeOwedContainers(workspace);
    },
  };
};

/** What the work gives, or the signal's reason as soon as it is aborted; the work goes on. */
const unlessAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason as Error);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

const fetched = (source: Source | undefined): Source => {
  if (source === undefined) throw new Error('the source is read before anything is built');
  return source;
};

const sourceOf = async (
  options: LocalEngineOptions,
  workspace: Workspace,
  run: Run,
  signal: AbortSignal,
): Promise<Source> => {
  const { spec, context, environment, report } = options;
  if (context === undefined && spec.source.git !== undefined) {
    report({ kind: 'activity', text: `fetching ${spec.source.git.uri}` });
  }
  const source = await fetchSource({
    source: spec.source,
    directory: run.prepared,
    environment,
    signal,
    ...(context === undefined ? {} : { context }),
  });
  await copyContext(source, workspace, run, signal);
  return source;
};

const buildahVersion = async (
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly [number, number]> => {
  const { stdout } = await runOutside({ program: 'buildah', arguments: ['--version'], environment, signal });
  const version = parseVersion(stdout);
  if (version !== undefined && version[0] >= 1 && (version[0] > 1 || version[1] >= 28)) return version;
  throw new EnvironmentError(
    `buildah 1.28 or later is needed; this machine has ${stdout.trim() || 'none that tells its version'}`,
    'sudo apt-get install --no-install-recommends buildah (Debian 12 or later)',
  );
};
