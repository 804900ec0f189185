/** Whether the requester may make builds of this strategy: OpenShift's admission plugin BuildByStrategy. */
import { load } from 'js-yaml';
import { type Api, type Requester, review } from './api.ts';
import { forbidden } from './errors.ts';
import type { Target } from './requests.ts';
import type { Strategy } from './shapes.ts';

/** Its resource among the subresources of builds, and its name in messages. */
const strategies = [
  { field: 'dockerStrategy', right: 'docker', name: 'Docker' },
  { field: 'sourceStrategy', right: 'source', name: 'Source' },
  { field: 'customStrategy', right: 'custom', name: 'Custom' },
  { field: 'jenkinsPipelineStrategy', right: 'jenkinspipeline', name: 'JenkinsPipeline' },
] as const;

/** A patch that does not say is of what there is: here always Docker. @throws Refusal 403. */
export const checkStrategy = async (
  api: Api,
  target: Target,
  method: string,
  requester: Requester,
  body: Buffer,
): Promise<void> => {
  const isBuild = target.resource === 'builds' && method === 'POST';
  if (target.resource !== 'buildconfigs' && !isBuild) return;
  await checkRight(api, target, requester, nameIn(body) ?? target.name ?? '', strategyIn(body));
};

export const checkRight = async (
  api: Api,
  { group, namespace, resource }: Target,
  requester: Requester,
  name: string,
  strategy: Strategy | undefined,
): Promise<void> => {
  const { right, name: words } =
    strategies.find(({ field }) => (strategy?.[field] ?? null) !== null) ?? strategies[0];
  const { allowed } = await review(api, requester, {
    ...{ verb: 'create', group: group.name, resource: 'builds', subresource: right, name },
    ...(namespace === undefined ? {} : { namespace }),
  });
  if (allowed) return;
  const refused = { group: group.name, plural: resource };
  throw forbidden(refused, name, `build strategy ${words} is not allowed`);
};

interface Submitted {
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly strategy?: Strategy };
}

const parsed = (body: Buffer): Submitted | undefined => {
  try {
    return load(body.toString()) ?? undefined;
  } catch {
    return undefined;
  }
};

const nameIn = (body: Buffer): string | undefined => parsed(body)?.metadata?.name;
const strategyIn = (body: Buffer): Strategy | undefined => parsed(body)?.spec?.strategy;
