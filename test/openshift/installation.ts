/** What the stand-in puts on an API server: CRDs, APIServices, the admission webhook, and OpenShift's own roles. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Api } from './api.ts';
import { webhookConfiguration } from './admission.ts';
import { crdsOf } from './crds.ts';
import type { OpenApi } from './discovery.ts';
import { allGroups, type Group } from './groups.ts';
import { openShiftDefinitions } from './schema-source.ts';
import { shownText } from './translation.ts';

export interface Where {
  /** Name and namespace of the Service that the APIServices point to. */
  readonly service: { readonly namespace: string; readonly name: string };
  /** Where the API server reaches the gateway. */
  readonly address: string;
  readonly port: number;
  readonly admissionUrl: string;
  /** base64 of PEM. */
  readonly authority: string;
}

/** Returns once both groups are served, by these documents too, which it adds. */
export const install = async (api: Api, where: Where, documents: OpenApi): Promise<void> => {
  const { namespace } = where.service;
  const crds = crdsOf(await openShiftDefinitions());
  const namespaces = [namespace, 'openshift-image-registry'].map((name) => ({
    ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  }));
  for (const object of [...namespaces, ...crds, ...roles]) await apply(api, object as Applied);
  await apply(api, serviceOf(where) as Applied);
  for (const crd of crds) await untilEstablished(api, (crd as Applied).metadata.name);
  for (const group of allGroups)
    documents.set(group.name, await openApiOf(api, group, crds as readonly Crd[]));
  await apply(api, webhookConfiguration(where.admissionUrl, where.authority) as Applied);
  for (const group of allGroups) await apply(api, apiService(group.name, where) as Applied);
  for (const { name } of allGroups) await untilServed(api, name);
};

interface Applied {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const plurals: Readonly<Record<string, string>> = {
  ...{ Namespace: 'namespaces', Service: 'services', CustomResourceDefinition: 'customresourcedefinitions' },
  ...{ ClusterRole: 'clusterroles', APIService: 'apiservices', EndpointSlice: 'endpointslices' },
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
};

const apply = async (api: Api, object: Applied): Promise<void> => {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  const path = `${root}${within}/${plurals[kind] ?? kind}/${metadata.name}?fieldManager=openshift&force=true`;
  await api.ask('PATCH', path, object, { 'content-type': 'application/apply-patch+yaml' });
};

/** An ExternalName may be any address that the API server itself reaches: loopback too, which an endpoint may not be. */
const serviceOf = ({ service, address, port }: Where): object => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: service },
  spec: { type: 'ExternalName', externalName: address, ports: [{ port, protocol: 'TCP' }] },
});

/** With OpenShift's own priorities, so that `kubectl get builds` means these. */
const apiService = (group: string, { service, port, authority }: Where): object => ({
  ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `v1.${group}` } },
  spec: {
    ...{ group, version: 'v1', groupPriorityMinimum: 9900, versionPriority: 15, caBundle: authority },
    service: { ...service, port },
  },
});

/** Those that a product binds to, and what they allow. */
const roles: readonly object[] = [
  role('system:build-strategy-docker', [
    { apiGroups: ['build.openshift.io'], resources: ['builds/docker'], verbs: ['create'] },
  ]),
  role('system:image-puller', [
    { apiGroups: ['image.openshift.io'], resources: ['imagestreams/layers'], verbs: ['get'] },
  ]),
  role('system:image-builder', [
    { apiGroups: ['image.openshift.io'], resources: ['imagestreams/layers'], verbs: ['get', 'update'] },
    { apiGroups: ['build.openshift.io'], resources: ['builds/details'], verbs: ['update'] },
  ]),
  role('system:webhook', [
    { apiGroups: ['build.openshift.io'], resources: ['buildconfigs/webhooks'], verbs: ['create', 'get'] },
  ]),
];

function role(name: string, rules: readonly object[]): object {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
}

/** Kubernetes looks at some things once in 60 s. */
const patience = 180_000;
const pollMs = 50;

/** Looks until it is so. @throws the last thing that stood in the way. */
const untilSo = async (what: string, look: () => Promise<boolean>): Promise<void> => {
  let problem: unknown;
  for (const end = Date.now() + patience; Date.now() < end;) {
    try {
      if (await look()) return;
    } catch (error) {
      problem = error;
    }
    await pause(pollMs);
  }
  throw new Error(`${what} after ${patience} ms`, { cause: problem });
};

interface Conditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const untilEstablished = (api: Api, name: string): Promise<void> =>
  untilSo(`CRD ${name} is not established`, async () => {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
    const { status } = await api.ask<Conditions>('GET', path);
    return (status?.conditions ?? []).some((one) => one.type === 'Established' && one.status === 'True');
  });

interface Crd {
  readonly spec: { readonly group: string; readonly names: { readonly plural: string } };
}

/** The API server's own of the group's CRDs. It has it some time after they are established. */
const openApiOf = async (api: Api, { shadow }: Group, crds: readonly Crd[]): Promise<unknown> => {
  const plurals = crds.filter(({ spec }) => spec.group === shadow).map(({ spec }) => spec.names.plural);
  let text = '';
  await untilSo(`the OpenAPI of ${shadow} is not whole`, async () => {
    const { body } = await api.send({ method: 'GET', path: `/openapi/v3/apis/${shadow}/v1` });
    text = await body.text();
    return plurals.every((plural) => text.includes(`/${plural}/{name}"`));
  });
  return JSON.parse(shownText(text, undefined)) as unknown;
};

/** What aggregated discovery says of a group: `Current` or `Stale`. */
export const freshnessOf = async (api: Api, group: string): Promise<string | undefined> => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const { items } = await api.ask<Discovered>('GET', '/apis', undefined, { accept });
  return items.find(({ metadata }) => metadata.name === group)?.versions[0]?.freshness;
};

interface Discovered {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly versions: readonly { readonly freshness?: string }[];
  }[];
}

/** By the whole way: a client of the API server is answered by the gateway, and finds its kinds. */
export const untilServed = (api: Api, group: string): Promise<void> =>
  untilSo(`${group} is not served`, async () => {
    const plural = group.startsWith('build') ? 'builds' : 'imagestreams';
    const { items } = await api.ask<{ readonly items?: unknown }>('GET', `/apis/${group}/v1/${plural}`);
    const listed = await api.ask<{ readonly groups: readonly { readonly name: string }[] }>('GET', '/apis');
    const isListed = listed.groups.some(({ name }) => name === group);
    return Array.isArray(items) && isListed && (await freshnessOf(api, group)) === 'Current';
  });
