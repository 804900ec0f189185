/** The manifests with the images of this checkout, in the registry of the box: as `make push` leaves them. */
import { execa } from 'execa';
import { loadAll } from 'js-yaml';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { registryHost } from '../cluster/registry.ts';
import { newDirectory } from '../support/directories.ts';

const repository = join(import.meta.dirname, '../..');
const images = join(repository, '.cache/images');

/** What is used of an object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly Rule[];
  readonly [field: string]: unknown;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface Said {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A refusal is an answer, too. */
export const tryKubectl = async (...args: readonly string[]): Promise<Said> => {
  const { exitCode, stdout, stderr } = await execa('kubectl', args, { reject: false });
  return { exitCode, stdout, stderr };
};

export const kubectl = async (...args: readonly string[]): Promise<string> =>
  (await execa('kubectl', args)).stdout;

export const nameOf = ({ kind, metadata: { namespace, name } }: Manifest): string =>
  [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');

/** What `kubectl kustomize` makes of a directory. */
export const render = async (directory: string): Promise<readonly Manifest[]> =>
  loadAll(await kubectl('kustomize', directory)) as Manifest[];

/** A copy of manifests/, with what it needs beside it. */
export const copyOfManifests = (): string => {
  const copy = newDirectory();
  for (const directory of ['crds', 'manifests'])
    cpSync(join(repository, directory), join(copy, directory), { recursive: true });
  return join(copy, 'manifests');
};

/** Pushes both images. Returns a copy of manifests/ that names them. */
export const pushInto = async (): Promise<string> => {
  const [operator = '', agent = ''] = ['operator', 'agent'].map((name) => join(images, `${name}.oci.tar`));
  if (!existsSync(operator) || !existsSync(agent))
    throw new Error(
      `no images in ${images}: make them before the box is opened, with node scripts/images.ts`,
    );
  const manifests = copyOfManifests();
  await execa(process.execPath, [
    join(repository, 'scripts/push.ts'),
    ...['--registry', `${registryHost}/edgebuild`, '--tls-verify', 'false', '--manifests', manifests],
    ...['--operator', operator, '--agent', agent],
  ]);
  return manifests;
};

/** An overlay of an overlay: `edgebuild run` is given more arguments. */
export const withArguments = (overlay: string, ...args: readonly string[]): string => {
  const directory = `${overlay}-with-arguments`;
  mkdirSync(directory);
  const patch = args.map((value) => ({ op: 'add', path: '/spec/template/spec/containers/0/args/-', value }));
  const kustomization = {
    ...{ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' },
    resources: [`../${basename(overlay)}`],
    patches: [{ target: { kind: 'Deployment', name: 'edgebuild' }, patch: JSON.stringify(patch) }],
  };
  // JSON is YAML.
  writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization));
  return directory;
};
