/** Images between registries and the build's own storage: skopeo, as it decides what of an index is taken. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Surroundings } from './place.ts';
import { run, say } from './programs.ts';
import { errorInNewWords, inNewWords } from './words.ts';

/** Volumes of the secrets for registries. */
export const registryVolumes = { push: 'push-secret', pull: 'pull-secret' };

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** An image that was pulled. */
export interface Base {
  /** As the Dockerfile names it. */
  readonly image: string;
  /** By its id, buildah takes an image whatever its platform. */
  readonly id: string;
  readonly platform: Platform;
}

export const nameOf = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');

export interface Storage {
  readonly environment: Readonly<Record<string, string>>;
  /** Around buildah's own arguments. */
  readonly buildah: (...args: readonly string[]) => readonly [string, ...string[]];
  /** Fetches an image; of an index the entry of the platform, of the node's where none is said. */
  readonly fetch: (image: string, platform?: Platform) => Promise<Base>;
  /** Returns the digest. */
  readonly push: (id: string, image: string) => Promise<string>;
}

/** The last words of skopeo, without time and level. */
const wordsOf = (stderr: string): string => {
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  const [, message] = /level=fatal msg="(.*)"$/.exec(last) ?? [];
  return errorInNewWords(message === undefined ? last : (JSON.parse(`"${message}"`) as string));
};

/** `.dockerconfigjson`, or `.dockercfg`, which is its inner part. */
const authFile = (secret: string, into: string): string | undefined => {
  const [whole, inner] = ['.dockerconfigjson', '.dockercfg'].map((name) => join(secret, name));
  if (whole !== undefined && existsSync(whole)) return whole;
  if (inner === undefined || !existsSync(inner)) return undefined;
  writeFileSync(into, `{"auths":${readFileSync(inner, 'utf8')}}`, { mode: 0o600 });
  return into;
};

const registriesConf = (insecure: readonly string[]): string =>
  [
    "unqualified-search-registries = ['registry.redhat.io', 'registry.access.redhat.com', 'quay.io', 'docker.io']",
    'short-name-mode = "permissive"',
    ...insecure.map((location) => `[[registry]]\nlocation = ${JSON.stringify(location)}\ninsecure = true`),
  ].join('\n');

export const openStorage = ({ place, insecure }: Surroundings): Storage => {
  for (const directory of [place.temporary, place.storage, place.runState]) mkdirSync(directory, { recursive: true });
  const conf = join(place.temporary, 'registries.conf');
  writeFileSync(conf, registriesConf(insecure));
  const environment = {
    ...{ TMPDIR: place.temporary, HOME: place.temporary, STORAGE_DRIVER: 'overlay', BUILDAH_ISOLATION: 'chroot' },
    ...{ CONTAINERS_STORAGE_CONF: '/dev/null', CONTAINERS_CONF: '/dev/null', CONTAINERS_REGISTRIES_CONF: conf },
  };
  const stored = (name: string): string => `containers-storage:[overlay@${place.storage}+${place.runState}]${name}`;
  const auth = (kind: 'push' | 'pull'): readonly string[] => {
    const file = authFile(place.secret(registryVolumes[kind]), join(place.temporary, `${kind}.json`));
    return file === undefined ? [] : [`--${kind === 'push' ? 'dest' : 'src'}-authfile=${file}`];
  };
  /** Loopback too, as for container runtimes. */
  const tls = (side: 'src' | 'dest', image: string): readonly string[] => {
    const [host = ''] = image.split('/');
    return insecure.includes(host) || /^(127\.0\.0\.1|localhost)(:|$)/.test(host) ? [`--${side}-tls-verify=false`] : [];
  };
  const skopeo = async (args: readonly string[]): Promise<string> => {
    const onLine = (line: string): void => {
      if (!line.startsWith('time="')) inNewWords(line).forEach(say);
    };
    const { status, stderr } = await run({ command: ['skopeo', '--insecure-policy', ...args], environment, onLine });
    if (status !== 0) throw new Error(wordsOf(stderr));
    return stderr;
  };
  const inspect = async (...args: readonly string[]): Promise<unknown> => {
    const { status, stdout, stderr } = await run({ command: ['skopeo', 'inspect', ...args], environment });
    if (status !== 0) throw new Error(wordsOf(stderr));
    return JSON.parse(stdout);
  };
  let count = 0;
  return {
    environment,
    buildah: (...args) => ['buildah', `--root=${place.storage}`, `--runroot=${place.runState}`, ...args],
    fetch: async (image, platform) => {
      const chosen =
        platform === undefined
          ? []
          : [
              ...[`--override-os=${platform.os}`, `--override-arch=${platform.architecture}`],
              ...(platform.variant === undefined ? [] : [`--override-variant=${platform.variant}`]),
            ];
      // Of an index kept under its own digest, the storage would show the index.
      const kept = stored(`localhost/base-${count++}`);
      await skopeo([...chosen, 'copy', ...auth('pull'), ...tls('src', image), `docker://${image}`, kept]);
      const { config } = (await inspect('--raw', kept)) as { config: { digest: string } };
      const found = (await inspect('--config', kept)) as Platform;
      return { image, id: config.digest.replace('sha256:', ''), platform: found };
    },
    push: async (id, image) => {
      const digests = join(place.temporary, 'digest');
      // The digest is anybody's guess anyhow: less work for gzip.
      const quick = ['--dest-compress-format=gzip', '--dest-compress-level=1'];
      await skopeo(['copy', `--digestfile=${digests}`, ...quick, ...auth('push'), ...tls('dest', image), stored(`@${id}`), `docker://${image}`]);
      return readFileSync(digests, 'utf8').trim();
    },
  };
}; // prettier-ignore

const retries = 2;

/** Tries as often as OpenShift's builder does, and says so in its words. */
export const retried = async <T>(
  action: 'Pull' | 'Push',
  delayMs: number,
  work: () => Promise<T>,
): Promise<T> => {
  for (let left = retries; ; left--) {
    try {
      return await work();
    } catch (error) {
      say(`Warning: ${action} failed, retrying in 5s ...`);
      await pause(delayMs);
      if (left === 0) throw error;
    }
  }
};
