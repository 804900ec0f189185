/** What OpenShift makes in every namespace: the ServiceAccount `builder`, with a secret for the internal registry. */
import { randomBytes } from 'node:crypto';
import type { Client } from '../../../src/kube/client.ts';
import { isAlreadyExists } from '../../../src/kube/errors.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import type { Store } from '../../../src/kube/store.ts';
import { type Build, type Named, secrets, serviceAccounts } from './kinds.ts';

const annotation = 'kubernetes.io/service-account.name';
/** No vowels: as Kubernetes makes names. */
const letters = 'bcdfghjklmnpqrstvwxz2456789';

const suffix = (): string => [...randomBytes(5)].map((byte) => letters[byte % letters.length]).join('');

const made = async (creation: Promise<unknown>): Promise<void> => {
  await creation.catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
};

/** Returns its secret. The registry front of the stand-in lets builds in without credentials: it holds none. */
export const ensureServiceAccount = async (
  client: Client,
  known: Store<KubeObject>,
  { metadata: { namespace = '' }, spec: { serviceAccount = 'builder' } }: Build,
): Promise<Named> => {
  const metadata = { name: serviceAccount, namespace };
  await made(client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }));
  const existing = known
    .list()
    .find((secret) => secret.metadata.namespace === namespace && secret.metadata.annotations?.[annotation] === serviceAccount);
  if (existing !== undefined) return { name: existing.metadata.name };
  const name = `${serviceAccount}-dockercfg-${suffix()}`;
  const secret = {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/dockercfg' },
    metadata: { name, namespace, annotations: { [annotation]: serviceAccount } },
    stringData: { '.dockercfg': '{}' },
  };
  known.learn(await client.create<KubeObject>(secrets, secret));
  return { name };
}; // prettier-ignore
