/** Requests of the stand-in to the real API server, as its admin or in somebody's name. */
import type { RequestOptions } from 'node:https';
import { Agent, type Dispatcher } from 'undici';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { Refusal, type Status } from './errors.ts';

/** Whom the API server's aggregator has authenticated. */
export interface Requester {
  readonly user: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Marks what came through the gateway: admission.ts tells it from writes of the stand-in's own controllers. */
export const gatewayGroup = 'standin:gateway';
/** Marks what came to a /status. */
export const statusGroup = 'standin:status';

export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

export interface Api {
  /** Host and port of the API server. */
  readonly send: (request: RawRequest) => Promise<Dispatcher.ResponseData>;
  /**
   * @param body is sent as JSON.
   * @throws Refusal what the API server refused with.
   */
  readonly ask: <Answer>(
    method: string,
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string | readonly string[]>>,
  ) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export const openApi = async (kubeconfig: string): Promise<Api> => {
  const config = loadKubeConfig({ kubeconfig });
  const server = new URL(config.getCurrentCluster()?.server ?? '');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key } = options;
  // Over HTTP/2 undici makes one header of several with one name. Watches are silent for longer than it would wait.
  const agent = new Agent({
    connect: { ca, cert, key } as NonNullable<Agent.Options['connect']>,
    ...{ allowH2: false, bodyTimeout: 0, headersTimeout: 120_000 },
  });
  const send: Api['send'] = ({ method, path, headers, body, signal }) =>
    agent.request({
      ...{ origin: server.origin, path, body: body ?? null },
      method: method,
      headers: Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : [...value],
        ]),
      ),
      signal: signal ?? null,
    });
  return {
    send,
    ask: async <Answer>(
      method: string,
      path: string,
      body?: object,
      headers: Readonly<Record<string, string | readonly string[]>> = {},
    ): Promise<Answer> => {
      const answer = await send({
        ...{ method, path, headers: { 'content-type': 'application/json', ...headers } },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      if (answer.statusCode < 400) return JSON.parse(text) as Answer;
      throw refusalOf(answer.statusCode, text);
    },
    close: () => agent.destroy(),
  };
};

const refusalOf = (code: number, text: string): Refusal => {
  try {
    const { reason = 'Unknown', message = '', details } = JSON.parse(text) as Status;
    return new Refusal(code, reason, message, details);
  } catch {
    return new Refusal(code, 'InternalError', text);
  }
};

/** Headers that make a request one of this user, with the rights of the stand-in. */
export const inTheNameOf = (
  { user }: Requester,
  marks: readonly string[] = [],
): Readonly<Record<string, string | readonly string[]>> => ({
  'impersonate-user': user,
  'impersonate-group': ['system:masters', gatewayGroup, ...marks],
});

/** https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** What the API server's authorizers say of a user's right: allowed, and why not. */
export const review = async (
  api: Api,
  { user, groups, extra }: Requester,
  resourceAttributes: Right,
): Promise<{ readonly allowed: boolean; readonly reason: string }> => {
  const spec = { user, groups, extra, resourceAttributes };
  const { status } = await api.ask<{
    readonly status: { readonly allowed: boolean; readonly reason?: string };
  }>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec,
  });
  return { allowed: status.allowed, reason: status.reason ?? '' };
};
