import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { load } from 'js-yaml';

/** Credentials that cannot be used at all: nothing can begin. `remedy` says what a person does about it. */
class KubeConfigError extends Error {
  // The name that the command line maps to exit code 3, as for everything that a machine lacks.
  override readonly name = 'EnvironmentError';
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

export interface WhichCluster {
  /** A file, or several with ':' between; without it, KUBECONFIG, ~/.kube/config, then the pod's service account. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/**
 * Where the API server is and who we are, as kubectl finds it. Read once; tokens and certificates that it points to
 * are read again as they rotate.
 *
 * @throws KubeConfigError when a file is missing or broken, or names a context, cluster or user that it does not have.
 */
export const loadKubeConfig = ({ kubeconfig, context }: WhichCluster): KubeConfig => {
  const config = read(kubeconfig);
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const names = config.getContexts().map(({ name }) => name);
      throw new KubeConfigError(
        `there is no context ${JSON.stringify(context)} in the kubeconfig`,
        `pass --context with one of ${names.join(', ')}`,
      );
    }
    config.setCurrentContext(context);
  }
  check(config, kubeconfig ?? 'the kubeconfig');
  // Without TLS there is nothing to verify; client-node wants that said, kubectl does not (`kubectl proxy`).
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  return config;
};

const read = (kubeconfig: string | undefined): KubeConfig => {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) {
      config.loadFromDefault();
      const usual = join(homedir(), '.kube/config');
      if (existsSync(usual)) useTokenFiles(config, usual);
      return config;
    }
    const [first = '', ...others] = kubeconfig.split(delimiter).filter((file) => file !== '');
    config.loadFromFile(first);
    for (const file of others) {
      const other = new KubeConfig();
      other.loadFromFile(file);
      // As kubectl: the first file that names a context decides.
      const named = config.getCurrentContext() as string | undefined;
      config.mergeConfig(other, named !== undefined && named !== '');
    }
    for (const file of [first, ...others]) useTokenFiles(config, file);
    return config;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new KubeConfigError(
      `the kubeconfig ${kubeconfig ?? ''} cannot be read: ${why.split('\n')[0] ?? ''}`,
      'pass --kubeconfig with a file that `kubectl --kubeconfig FILE get namespaces` accepts',
      error,
    );
  }
};

interface File {
  readonly users?: readonly { readonly name: string; readonly user?: { readonly tokenFile?: string } }[];
}

/** A user's `tokenFile`, which client-node reads over, as the provider that it has for a pod's own token. */
const useTokenFiles = (config: KubeConfig, file: string): void => {
  const { users = [] } = (load(readFileSync(file, 'utf8')) ?? {}) as File;
  for (const { name, user } of users) {
    if (user?.tokenFile === undefined) continue;
    const tokenFile = resolve(dirname(file), user.tokenFile);
    config.users = config.users.map((one) =>
      one.name === name ? { ...one, authProvider: { name: 'tokenFile', config: { tokenFile } } } : one,
    );
  }
};

const check = (config: KubeConfig, file: string): void => {
  const cluster = config.getCurrentCluster();
  const remedy = 'run `kubectl config view` with it, and mend what it points to';
  if (cluster === null) {
    throw new KubeConfigError(
      `${file} has no cluster for its current context ${JSON.stringify(config.getCurrentContext())}`,
      remedy,
    );
  }
  if (!URL.canParse(cluster.server) || !/^https?:/.test(cluster.server)) {
    throw new KubeConfigError(`${file}: server ${JSON.stringify(cluster.server)} is not a URL`, remedy);
  }
  if (config.getCurrentUser() === null) {
    throw new KubeConfigError(
      `${file} has no user for its current context ${JSON.stringify(config.getCurrentContext())}`,
      remedy,
    );
  }
};
