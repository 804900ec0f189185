import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { Agent, type Dispatcher } from 'undici';

export interface RawCall {
  readonly method: 'GET' | 'PATCH' | 'POST';
  /** Path and query. */
  readonly path: string;
  /** A PATCH applies it. */
  readonly body?: object;
}

/** What it costs to speak to an API server with nothing in between: the yardstick of benchmarks. */
export interface RawClient {
  /** The answer's body. @throws unless it is answered with success. */
  readonly send: (call: RawCall) => Promise<string>;
  /** The lines of a watch, as they come. */
  readonly watch: (path: string) => Promise<Dispatcher.ResponseData['body']>;
  readonly close: () => Promise<void>;
}

/** @param kubeconfig a file's name; its first user has a certificate. */
export const rawClient = (kubeconfig: string): RawClient => {
  const config = load(readFileSync(kubeconfig, 'utf8')) as {
    readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
    readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
  };
  const [{ cluster }] = config.clusters;
  const [{ user }] = config.users;
  const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();
  const agent = new Agent({
    connect: {
      ca: text(cluster['certificate-authority-data']),
      cert: text(user['client-certificate-data']),
      key: text(user['client-key-data']),
    },
    bodyTimeout: 0,
  });
  const origin = cluster['server'] ?? '';
  const agentName = { 'user-agent': 'raw' };
  return {
    send: async ({ method, path, body }) => {
      const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
      const headers = { ...agentName, 'content-type': type };
      const sent = body === undefined ? null : JSON.stringify(body);
      const answer = await agent.request({ origin, path, method, body: sent, headers });
      const answered = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${path}: ${String(answer.statusCode)} ${answered}`);
      return answered;
    },
    watch: async (path) => (await agent.request({ origin, path, method: 'GET', headers: agentName })).body,
    close: () => agent.destroy(),
  };
};
