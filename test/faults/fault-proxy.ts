import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ControlPlane } from '../cluster/control-plane.ts';

/** What is done to one request. Lines are those of a watch, counted from 1. */
export type Fault =
  | { readonly type: 'delay'; readonly ms: number }
  /** The connection breaks before the server hears of it. */
  | { readonly type: 'reset' }
  /** The server hears of it, does it, and the connection breaks before the answer. */
  | { readonly type: 'lostAnswer' }
  | {
      readonly type: 'answer';
      readonly code: number;
      readonly body?: string;
      readonly retryAfterSeconds?: number;
    }
  /** What the same list was answered the time before. */
  | { readonly type: 'stale' }
  | { readonly type: 'cut'; readonly afterLines: number }
  /** Not a byte more, and not the end. */
  | { readonly type: 'stall'; readonly afterLines: number }
  | { readonly type: 'drop' | 'duplicate' | 'reorder' | 'truncate'; readonly line: number }
  /** An event of the watch that says that it cannot go on. */
  | { readonly type: 'error'; readonly code: number };

export interface Asked {
  readonly verb: 'get' | 'list' | 'watch' | 'patch' | 'create' | 'update' | 'delete';
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export interface FaultProxy {
  /** Of a kubeconfig with whom to come here: as cluster-admin. */
  readonly kubeconfig: string;
  /** Asked for each request; replaced at will. */
  faultFor: (asked: Asked) => Fault | undefined;
  /** Told of each request that the server has answered, before its asker hears of it. */
  onAnswered: (asked: Asked, code: number) => void;
  /** Watches of a kind that are open now. */
  readonly openWatches: (plural: string) => number;
  readonly asked: Asked[];
  /** Breaks every connection. */
  readonly breakAll: () => void;
  readonly close: () => Promise<void>;
}

export const isWrite = ({ verb }: Asked): boolean => verb !== 'get' && verb !== 'list' && verb !== 'watch';

/**
 * Between a client and a real API server: plain HTTP/1.1 on loopback towards the client, as cluster-admin towards the
 * server. Passes everything through, but for the faults asked for.
 */
export const startFaultProxy = async (plane: ControlPlane): Promise<FaultProxy> => {
  const tls = {
    ca: readFileSync(plane.certificateAuthority),
    cert: readFileSync(plane.certificates.certificate('admin')),
    key: readFileSync(plane.certificates.key('admin')),
  };
  const agent = new Agent({ ...tls, keepAlive: true });
  const target = new URL(plane.url);
  const open = new Map<string, number>();
  const lists = new Map<string, string>();

  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch(() => outgoing.destroy());
  });

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const asked = askedOf(incoming);
    proxy.asked.push(asked);
    const fault = proxy.faultFor(asked);
    if (fault?.type === 'delay') await pause(fault.ms);
    if (fault?.type === 'reset') {
      incoming.socket.destroy();
      return;
    }
    if (fault?.type === 'answer') {
      const headers = { 'content-type': fault.body === undefined ? 'application/json' : 'text/plain' };
      const retry =
        fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
      outgoing.writeHead(fault.code, { ...headers, ...retry }).end(fault.body ?? statusOf(fault.code));
      return;
    }
    const stale = fault?.type === 'stale' ? lists.get(incoming.url ?? '') : undefined;
    if (stale !== undefined) {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(stale);
      return;
    }
    const body = await bytesOf(incoming);
    const upstream = httpsRequest({
      agent,
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, host: target.host },
    });
    outgoing.on('close', () => upstream.destroy());
    upstream.on('error', () => outgoing.destroy());
    upstream.on('response', (answer) => {
      void pass(asked, fault, incoming, answer, outgoing).catch(() => outgoing.destroy());
    });
    upstream.end(body);
  };

  const pass = async (
    asked: Asked,
    fault: Fault | undefined,
    incoming: IncomingMessage,
    answer: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> => {
    const code = answer.statusCode ?? 500;
    if (asked.verb === 'watch' && code === 200) {
      count(open, asked.plural, 1);
      outgoing.on('close', () => {
        count(open, asked.plural, -1);
      });
      outgoing.writeHead(code, { 'content-type': 'application/json' });
      outgoing.flushHeaders();
      await passLines(fault, answer, outgoing);
      return;
    }
    const body = await bytesOf(answer);
    if (asked.verb === 'list' && code === 200) lists.set(incoming.url ?? '', body.toString());
    proxy.onAnswered(asked, code);
    if (fault?.type === 'lostAnswer') outgoing.destroy();
    else outgoing.writeHead(code, { 'content-type': answer.headers['content-type'] ?? '' }).end(body);
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: FaultProxy = {
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'p',
          cluster: { server: `http://127.0.0.1:${String(port)}`, 'insecure-skip-tls-verify': true },
        },
      ],
      users: [{ name: 'p', user: {} }],
      contexts: [{ name: 'p', context: { cluster: 'p', user: 'p' } }],
      'current-context': 'p',
    }),
    faultFor: () => undefined,
    onAnswered: () => undefined,
    openWatches: (plural) => open.get(plural) ?? 0,
    asked: [],
    breakAll: () => {
      server.closeAllConnections();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
  return proxy;
};

const count = (counts: Map<string, number>, key: string, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

const bytesOf = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const statusOf = (code: number): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'injected', code });

/** The lines of a watch, one by one, as the fault wants them. */
const passLines = async (
  fault: Fault | undefined,
  answer: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> => {
  let number = 0;
  let rest = '';
  let held: string | undefined;
  if (fault?.type === 'error') {
    outgoing.end(
      `${JSON.stringify({ type: 'ERROR', object: JSON.parse(statusOf(fault.code)) as unknown })}\n`,
    );
    return;
  }
  for await (const chunk of answer) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      if (stops(fault, number, outgoing)) return;
      number += 1;
      const isMeant = fault !== undefined && 'line' in fault && fault.line === number;
      if (isMeant && fault.type === 'drop') continue;
      if (isMeant && fault.type === 'truncate') {
        outgoing.end(line.slice(0, line.length / 2));
        return;
      }
      if (isMeant && fault.type === 'reorder') {
        held = line;
        continue;
      }
      outgoing.write(`${line}\n${isMeant && fault.type === 'duplicate' ? `${line}\n` : ''}`);
      if (held !== undefined) outgoing.write(`${held}\n`);
      held = undefined;
    }
  }
  outgoing.end();
};

const stops = (fault: Fault | undefined, linesSoFar: number, outgoing: ServerResponse): boolean => {
  if (fault?.type === 'cut' && linesSoFar >= fault.afterLines) {
    outgoing.destroy();
    return true;
  }
  return fault?.type === 'stall' && linesSoFar >= fault.afterLines;
};

const askedOf = ({ method, url = '/' }: IncomingMessage): Asked => {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const parts = pathname.split('/').filter((part) => part !== '');
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const [namespace, [plural = '', name, subresource]] =
    rest[0] === 'namespaces' && rest.length > 2 ? [rest[1], rest.slice(2)] : [undefined, rest];
  return { verb: verbOf(method, name, searchParams), plural, namespace, name, subresource };
};

const verbOf = (
  method: string | undefined,
  name: string | undefined,
  query: URLSearchParams,
): Asked['verb'] => {
  switch (method) {
    case 'PATCH':
      return 'patch';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'DELETE':
      return 'delete';
    default:
      if (query.get('watch') === 'true') return 'watch';
      return name === undefined ? 'list' : 'get';
  }
};
