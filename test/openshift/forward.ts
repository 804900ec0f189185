/** Passes requests on to the API server's own storage, and its answers back, under the names that clients know. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import type { Dispatcher } from 'undici';
import { type Api, inTheNameOf, statusGroup } from './api.ts';
import { readBody, requesterOf, type Target } from './requests.ts';
import { shown, shownAs, storedBody, storedPatch, storedPath } from './translation.ts';

/** The watches that are open: an outage leaves them so, and silent. */
export interface Watches {
  /** Ports of the clients. */
  readonly ports: Set<number>;
  silent: boolean;
}

export const forward = async (
  { api, watches }: { readonly api: Api; readonly watches: Watches },
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
  given?: Buffer,
): Promise<void> => {
  const { method = 'GET', url = '' } = request;
  const { group, resource, subresource } = target;
  const isStatus = resource === 'imagestreams' && subresource === 'status';
  const path = storedPath(isStatus ? withoutStatus(url) : url, group);
  const ending = new AbortController();
  response.once('close', () => {
    ending.abort();
  });
  const body = given ?? (await readBody(request));
  const type = request.headers['content-type'] ?? 'application/json';
  const sent = body.length === 0 ? {} : { body: storedForm(method, type, body, target) };
  const answer = await api.send({
    ...{ method, path, ...sent, signal: ending.signal },
    headers: {
      ...inTheNameOf(requesterOf(request), isStatus ? [statusGroup] : []),
      ...{ accept: shownAs(request.headers.accept), 'content-type': type },
      ...(request.headers['user-agent'] === undefined ? {} : { 'user-agent': request.headers['user-agent'] }),
    },
  });
  await answerWith(answer, target, response, watches);
};

const withoutStatus = (url: string): string => url.replace(/\/status(?=\?|$)/, '');

const storedForm = (method: string, type: string, body: Buffer, { group }: Target): string | Buffer => {
  if (method === 'DELETE') return body;
  const isPatch = type.startsWith('application/merge-patch') || type.startsWith('application/json-patch');
  if (isPatch) return storedPatch(body, group);
  const stored = storedBody(body, group);
  return stored === undefined ? body : JSON.stringify(stored);
};

const passedOn = ['content-type', 'warning', 'retry-after', 'allow'];

const answerWith = async (
  answer: Dispatcher.ResponseData,
  { resource, query }: Target,
  response: ServerResponse,
  watches: Watches,
): Promise<void> => {
  for (const name of passedOn) {
    const value = answer.headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  response.writeHead(answer.statusCode);
  const isWatch = query.get('watch') === 'true' || query.get('watch') === '1';
  if (!isWatch || answer.statusCode !== 200) {
    response.end(shown(await answer.body.text(), resource));
    return;
  }
  response.flushHeaders();
  const port = response.socket?.remotePort ?? 0;
  watches.ports.add(port);
  try {
    for await (const line of createInterface({ input: answer.body, crlfDelay: Infinity }))
      if (!watches.silent && !response.write(`${shown(line, resource)}\n`)) await drained(response);
  } finally {
    watches.ports.delete(port);
  }
  if (!watches.silent) response.end();
};

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
