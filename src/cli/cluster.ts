import packageJson from '../../package.json' with { type: 'json' };
import { InputError } from '../api/errors.ts';
import { metadataSchema } from '../api/metadata.ts';
import { EnvironmentError } from '../engines/environment-error.ts';
import { type Client, createClient } from '../kube/client.ts';
import { openConnection } from '../kube/connection.ts';
import { ApiError } from '../kube/errors.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';

/** Flags that say which cluster, and which part of it; as kubectl has them. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** A cluster as one command reads it. */
export interface Cluster {
  readonly client: Client;
  /** The URL of the API server, without a slash at its end. */
  readonly server: string;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly close: () => Promise<void>;
}

/** @throws InputError for a namespace that cannot be one; EnvironmentError without a usable kubeconfig. */
export const openCluster = (flags: ClusterFlags): Cluster => {
  if (flags.namespace !== undefined) requireName('namespace', flags.namespace, '--namespace');
  const kubeConfig = loadKubeConfig(flags);
  const current = kubeConfig.getContextObject(kubeConfig.getCurrentContext());
  const connection = openConnection(kubeConfig, `edgebuild/${packageJson.version}`);
  return {
    client: createClient({ connection, fieldManager: 'edgebuild-cli' }),
    server: (kubeConfig.getCurrentCluster()?.server ?? '').replace(/\/$/, ''),
    namespace:
      flags.allNamespaces === true ? undefined : (flags.namespace ?? current?.namespace ?? 'default'),
    close: () => connection.close(),
  };
};

/** @throws InputError in the API server's words. */
export const requireName = (field: 'name' | 'namespace', value: string, flag: string): void => {
  const verdict = metadataSchema.shape[field].safeParse(value);
  const [issue] = verdict.error?.issues ?? (value === '' ? [{ message: 'it is empty' }] : []);
  if (issue !== undefined) throw new InputError(`${flag} ${value}: ${issue.message}`);
};

/** What an API server did not give is lacking here, whoever has to see to it. Everything else stays what it is. */
export const asLacking = (error: unknown, server: string): unknown => {
  if (!(error instanceof ApiError)) return error;
  const message = `${server}: ${error.message}`;
  return new EnvironmentError(message, remedyOf(error));
};

const remedyOf = ({ code, reason }: ApiError): string => {
  if (reason === 'CredentialsUnavailable' || code === 401)
    return 'log in again (oc login), or pass --kubeconfig or --context of a cluster that you can log in to';
  switch (code) {
    case 403:
      return 'ask an admin of the namespace for the role view: kubectl create rolebinding NAME --clusterrole=view --user=YOU -n NAMESPACE';
    case 404:
      return 'this cluster has no EdgeBuilds: an admin installs them with kubectl apply -k manifests/overlays/openshift';
    default:
      return 'see whether kubectl get namespaces answers; --kubeconfig and --context name another cluster';
  }
};
