import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** What the environment says, read once and frozen. Nothing else in EdgeBuild reads `process.env`. */
export interface Config {
  /** EdgeBuild's own folder below XDG_CACHE_HOME; not made here. */
  readonly cacheDirectory: string;
  /** NO_COLOR is not set (https://no-color.org: any text that is not empty turns colours off). */
  readonly colors: boolean;
  /** The terminal, should there be one, understands cursor movements, and a person watches it. */
  readonly liveLines: boolean;
  /** The whole environment of the user's own programs: git, buildah, skopeo, newuidmap. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What the user's own programs get, and nothing beside it: build arguments and whatever secrets a CI job holds stay out
 * of them. Sources: git(1), ssh(1), containers-auth.json(5), containers.conf(5), containers-registries.conf(5), the
 * XDG base directory specification, OpenSSL's and Go's names for certificates.
 */
const passedOn = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'TZ', 'LANG', 'LANGUAGE'],
  ...[
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'ALL_PROXY',
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'all_proxy',
  ],
  ...['SSH_AUTH_SOCK', 'SSH_AGENT_PID', 'DBUS_SESSION_BUS_ADDRESS'],
  ...['REGISTRY_AUTH_FILE', 'DOCKER_CONFIG', 'CONTAINERS_CONF', 'CONTAINERS_REGISTRIES_CONF'],
  ...['CONTAINERS_STORAGE_CONF', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
]);
const passedOnPrefixes = ['XDG_', 'LC_'];

const isPassedOn = (name: string): boolean =>
  passedOn.has(name) || passedOnPrefixes.some((prefix) => name.startsWith(prefix));

const environmentForPrograms = (env: NodeJS.ProcessEnv): Readonly<Record<string, string>> =>
  Object.freeze(
    Object.fromEntries(
      Object.entries(env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && isPassedOn(entry[0]),
      ),
    ),
  );

/** The XDG specification: a path that is not absolute is to be ignored. */
const cacheHome = (env: NodeJS.ProcessEnv): string => {
  const given = env['XDG_CACHE_HOME'] ?? '';
  return isAbsolute(given) ? given : join(env['HOME'] ?? homedir(), '.cache');
};

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';

/** CI services give some jobs a terminal; their logs keep every redrawn frame, so plain lines are better there. */
const isWatched = (env: NodeJS.ProcessEnv): boolean =>
  env['TERM'] !== 'dumb' && (!isSet(env['CI']) || env['CI'] === 'false');

export const readConfig = (env: NodeJS.ProcessEnv = process.env): Config =>
  Object.freeze({
    cacheDirectory: join(cacheHome(env), 'edgebuild'),
    colors: !isSet(env['NO_COLOR']) && env['TERM'] !== 'dumb',
    liveLines: isWatched(env),
    environment: environmentForPrograms(env),
  });

/** What the environment says to `edgebuild run`. An empty variable is as none. See src/run-config.ts for what it means. */
export interface RunEnvironment {
  /** KUBECONFIG */
  readonly kubeconfig: string | undefined;
  /** WATCH_NAMESPACE */
  readonly watchNamespace: string | undefined;
  /** POD_NAMESPACE */
  readonly podNamespace: string | undefined;
  /** POD_NAME */
  readonly podName: string | undefined;
  /** LOG_LEVEL */
  readonly logLevel: string | undefined;
  /** AGENT_IMAGE */
  readonly agentImage: string | undefined;
  /** AGENT_QEMU_VERSION */
  readonly agentQemuVersion: string | undefined;
  /** AGENT_EMULATORS */
  readonly agentEmulators: string | undefined;
}

export const readRunEnvironment = (env: NodeJS.ProcessEnv = process.env): RunEnvironment => {
  const valueOf = (name: string): string | undefined => (isSet(env[name]) ? env[name] : undefined);
  return Object.freeze({
    kubeconfig: valueOf('KUBECONFIG'),
    watchNamespace: valueOf('WATCH_NAMESPACE'),
    podNamespace: valueOf('POD_NAMESPACE'),
    podName: valueOf('POD_NAME'),
    logLevel: valueOf('LOG_LEVEL'),
    agentImage: valueOf('AGENT_IMAGE'),
    agentQemuVersion: valueOf('AGENT_QEMU_VERSION'),
    agentEmulators: valueOf('AGENT_EMULATORS'),
  });
};
