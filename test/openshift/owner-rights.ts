/** Whether the requester may block the deletion of an owner: Kubernetes' OwnerReferencesPermissionEnforcement. */
import { load } from 'js-yaml';
import type { OwnerReference } from '../../src/kube/objects.ts';
import { type Api, type Requester, review } from './api.ts';
import { forbidden } from './errors.ts';
import type { Target } from './requests.ts';

/** The real plugin asks for each change; here what was there before is asked again. @throws Refusal 403. */
export const checkOwners = async (
  api: Api,
  { group, namespace, resource, name = '' }: Target,
  requester: Requester,
  body: Buffer,
): Promise<void> => {
  const blocking = ownersIn(body).filter(({ blockOwnerDeletion }) => blockOwnerDeletion === true);
  for (const owner of blocking) {
    const [ownerGroup = '', version = ''] = owner.apiVersion.includes('/')
      ? owner.apiVersion.split('/')
      : ['', owner.apiVersion];
    const plural = await pluralOf(api, ownerGroup, version, owner.kind);
    const { allowed, reason } = await review(api, requester, {
      ...{ verb: 'update', group: ownerGroup, resource: plural, subresource: 'finalizers', name: owner.name },
      ...(namespace === undefined ? {} : { namespace }),
    });
    if (allowed) continue;
    const why = `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${reason}, <nil>`;
    throw forbidden({ group: group.name, plural: resource }, name, why);
  }
};

const ownersIn = (body: Buffer): readonly OwnerReference[] => {
  try {
    const parsed = load(body.toString()) as {
      readonly metadata?: { readonly ownerReferences?: readonly OwnerReference[] | null };
    } | null;
    return parsed?.metadata?.ownerReferences ?? [];
  } catch {
    return [];
  }
};

const pluralOf = async (api: Api, group: string, version: string, kind: string): Promise<string> => {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const { resources } = await api.ask<{
    readonly resources: readonly { readonly name: string; readonly kind: string }[];
  }>('GET', path);
  return resources.find((one) => one.kind === kind && !one.name.includes('/'))?.name ?? kind.toLowerCase();
};
