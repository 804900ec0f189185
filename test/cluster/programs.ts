/**
 * Kubernetes, etcd and CoreDNS, compiled from the Go modules pinned in programs/. Nobody publishes these programs in a
 * package registry; as Go modules they come through the Go proxy, and go.sum proves them.
 */
import { execa } from 'execa';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** The program of the module `kubernetes` is each of these, by the name it is called. */
const namesOfKubernetes = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
];

const version = { major: '1', minor: '36', patch: '3' };
const versionPackage = 'k8s.io/component-base/version';
const linkerFlags = [
  '-s -w',
  `-X ${versionPackage}.gitVersion=v${version.major}.${version.minor}.${version.patch}`,
  `-X ${versionPackage}.gitMajor=${version.major}`,
  `-X ${versionPackage}.gitMinor=${version.minor}`,
].join(' ');

const modules = [
  { name: 'kubernetes', flags: ['-trimpath', '-buildvcs=false', '-ldflags', linkerFlags] },
  { name: 'coredns', flags: ['-trimpath', '-buildvcs=false', '-ldflags', '-s -w'] },
] as const;

/**
 * Whatever Go is here, it fetches the one that compiles: go.mod names the oldest that may, this is what was tried.
 * GOGC means more garbage for less time: without it the first build takes half as long again.
 */
const environment = {
  ...{ GOTOOLCHAIN: 'go1.26.8', GOGC: '400', CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
};

const sources = join(import.meta.dirname, 'programs');

/** EdgeBuild's own folder below XDG_CACHE_HOME, where a path that is not absolute is to be ignored. */
const cacheDirectory = (): string => {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(process.env['HOME'] ?? homedir(), '.cache'), 'edgebuild');
};

const buildKey = (): string => {
  const hash = createHash('sha256').update(JSON.stringify([modules, environment, namesOfKubernetes]));
  for (const { name } of modules) {
    for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(sources, name, file)));
  }
  return hash.digest('hex').slice(0, 16);
};

export interface CompileOptions {
  /** Is told what goes on when something is compiled, which takes minutes; nothing otherwise. */
  readonly tell?: (line: string) => void;
}

/**
 * The absolute path of a directory that holds etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet,
 * kube-proxy, kubectl and coredns. KUBEBUILDER_ASSETS wins. Otherwise they are compiled once: the directory appears
 * complete or not at all, whoever else compiles at the same time.
 */
export const clusterPrograms = async ({ tell = () => undefined }: CompileOptions = {}): Promise<string> => {
  const given = process.env['KUBEBUILDER_ASSETS'] ?? '';
  if (given !== '') return given;
  const parent = join(cacheDirectory(), 'cluster');
  const directory = join(parent, buildKey());
  if (existsSync(directory)) return directory;
  const go = await findGo();
  mkdirSync(parent, { recursive: true });
  removeAbandoned(parent);
  const temporary = `${directory}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(temporary);
    for (const module of modules) await compile(go, module, temporary, tell);
    for (const name of namesOfKubernetes) symlinkSync('kubernetes', join(temporary, name));
    publish(temporary, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return directory;
};

const publish = (temporary: string, directory: string): void => {
  try {
    renameSync(temporary, directory);
  } catch (error) {
    // Somebody else was faster: theirs is made of the same sources.
    if (!existsSync(directory)) throw error;
  }
};

/** What a killed build left. A build in progress writes more often than each hour. */
const removeAbandoned = (parent: string): void => {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (/\.[0-9a-f]{8}$/.test(name) && Date.now() - statSync(path).mtimeMs > 3_600_000) {
      rmSync(path, { recursive: true, force: true });
    }
  }
};

const compile = async (
  go: string,
  { name, flags }: (typeof modules)[number],
  into: string,
  tell: (line: string) => void,
): Promise<void> => {
  const began = Date.now();
  const seconds = (): string => `${((Date.now() - began) / 1000).toFixed(0)} s`;
  tell(`compiling ${name} with ${go}: minutes the first time`);
  const ticking = setInterval(() => {
    tell(`compiling ${name}: ${seconds()}`);
  }, 15_000);
  try {
    const { failed, stderr, shortMessage } = await execa(
      go,
      ['build', ...flags, '-o', join(into, name), '.'],
      {
        cwd: join(sources, name),
        env: environment,
        ...{ reject: false, stdin: 'ignore', stdout: 'ignore' },
      },
    );
    if (failed)
      throw new Error(
        `${name} did not compile: ${shortMessage}\n${stderr.split('\n').slice(-20).join('\n')}`,
      );
  } finally {
    clearInterval(ticking);
  }
  tell(`compiled ${name}: ${seconds()}`);
};

/** From here on Go fetches another version of itself. */
const oldestGo = [1, 21] as const;

/** The path of a Go that can fetch any other. */
export const findGo = async (): Promise<string> => {
  const directories = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/go/bin',
    // scripts/setup.sh cluster puts it there.
    join(cacheDirectory(), 'go/bin'),
  ];
  const seen: string[] = [];
  for (const go of new Set(directories.map((directory) => join(directory, 'go')))) {
    if (!existsSync(go)) continue;
    const { stdout } = await execa(go, ['env', 'GOVERSION'], {
      ...{ env: { GOTOOLCHAIN: 'local' }, cwd: '/', reject: false },
    });
    const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
    if (major > oldestGo[0] || (major === oldestGo[0] && minor >= oldestGo[1])) return go;
    seen.push(`${go} is ${stdout === '' ? 'no Go that runs' : stdout}`);
  }
  throw new Error(
    `no Go ${oldestGo.join('.')} or later to compile Kubernetes with${seen.map((line) => `; ${line}`).join('')}. ` +
      'Run scripts/setup.sh cluster, or install Go from https://go.dev/dl, or set KUBEBUILDER_ASSETS to a ' +
      'directory with the programs',
  );
};

if (import.meta.main) {
  const tell = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  process.stdout.write(`${await clusterPrograms({ tell })}\n`);
}
