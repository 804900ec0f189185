/** What a request asks for, and who asks. */
import type { IncomingMessage } from 'node:http';
import type { Requester } from './api.ts';
import { allGroups, type Group } from './groups.ts';

export const readBody = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** A resource of one of the groups: `/apis/GROUP/v1[/namespaces/NAMESPACE]/RESOURCE[/NAME[/SUBRESOURCE[/REST…]]]`. */
export interface Target {
  readonly group: Group;
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource: of `webhooks` a secret, which no log may hold. */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/** Undefined for what lies in neither group, and for a group's own documents. */
export const targetOf = (url: string): Target | undefined => {
  const { pathname, searchParams } = new URL(url, 'https://gateway');
  const [root, groupName, version, ...parts] = pathname.split('/').slice(1).map(decodeURIComponent);
  const group = allGroups.find(({ name }) => name === groupName);
  if (root !== 'apis' || group === undefined || version !== 'v1') return undefined;
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts[1] : undefined;
  const [resource, name, subresource, ...rest] = namespace === undefined ? parts : parts.slice(2);
  if (resource === undefined || resource === '') return undefined;
  return { group, namespace, resource, name, subresource, rest, query: searchParams };
};

/** The aggregator's headers: only its own certificate gets this far. */
export const requesterOf = ({ headersDistinct }: IncomingMessage): Requester => {
  const extra = Object.entries(headersDistinct)
    .filter(([name]) => name.startsWith('x-remote-extra-'))
    .map(
      ([name, values]) => [decodeURIComponent(name.slice('x-remote-extra-'.length)), values ?? []] as const,
    );
  return {
    user: headersDistinct['x-remote-user']?.[0] ?? 'system:anonymous',
    groups: headersDistinct['x-remote-group'] ?? [],
    extra: Object.fromEntries(extra),
  };
};
