import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import type { Readable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { keepCancelling } from './cancelling.ts';
import { ApiError, errorOfNoAnswer } from './errors.ts';

/** One call, as HTTP has it. */
export interface HttpRequest {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For messages: "list pods". */
  readonly words: string;
  readonly signal?: AbortSignal | undefined;
  /** Asked at the last moment; throws if it may not leave any more. */
  readonly mayLeave?: () => void;
  /** The answer's head must come within this time, in milliseconds, and after it never be silent for longer. */
  readonly silenceMs: number;
}

export interface HttpAnswer {
  readonly code: number;
  readonly retryAfter: string | undefined;
  readonly body: Readable & { text(): Promise<string> };
}

/**
 * One pool of connections to one API server, HTTP/2 where it speaks it, so that watches and calls share a connection.
 *
 * - Credentials are asked for anew every 10 s: tokens, and what exec plugins say. If the TLS identity has changed, new
 *   calls use a new pool; the old one ends when its last call has.
 * - A connection that has died without a word is noticed: each is pinged every 20 s and dropped if it has not answered
 *   by the next ping; and when a call is silent for too long, undici asks its connection for a sign of life at once.
 */
export interface Connection {
  /** host:port, as metrics name it. */
  readonly host: string;
  /**
   * @throws ApiError with code 0 when no answer's head came, and the signal's reason when it was aborted.
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends all of it at once. */
  close(): Promise<void>;
}

const pingIntervalMs = 20_000;
const credentialsFreshMs = 10_000;
const connectTimeoutMs = 10_000;

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly identity: string;
  readonly readAt: number;
}

/** @param userAgent how audit logs and flow schemas of the server name this program. */
export const openConnection = (kubeConfig: KubeConfig, userAgent = 'edgebuild'): Connection => {
  const server = new URL(kubeConfig.getCurrentCluster()?.server ?? '');
  const prefix = server.pathname.replace(/\/$/, '');
  const retired = new Set<Dispatcher>();
  let current: Credentials | undefined;
  let reading: Promise<Credentials> | undefined;
  const stopCancelling = keepCancelling();

  const readCredentials = async (): Promise<Credentials> => {
    // It fills in CA, certificate, key, and the Authorization header.
    const options: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const identity = identityOf(options);
    const kept = current?.identity === identity ? current.dispatcher : undefined;
    if (kept === undefined && current !== undefined) retire(current.dispatcher);
    return {
      headers: headersOf(options),
      dispatcher: kept ?? dispatcherOf(kubeConfig, options),
      identity,
      readAt: performance.now(),
    };
  };

  const retire = (dispatcher: Dispatcher): void => {
    retired.add(dispatcher);
    void dispatcher.close().finally(() => retired.delete(dispatcher));
  };

  const credentials = async (words: string): Promise<Credentials> => {
    if (current !== undefined && performance.now() - current.readAt < credentialsFreshMs) return current;
    reading ??= readCredentials().finally(() => (reading = undefined));
    try {
      return (current = await reading);
    } catch (error) {
      throw errorOfNoAnswer(words, 'CredentialsUnavailable', `no credentials: ${messageOf(error)}`, error);
    }
  };

  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    request.signal?.throwIfAborted();
    const { dispatcher, headers } = await credentials(request.words);
    request.signal?.throwIfAborted();
    request.mayLeave?.();
    try {
      const answer = await dispatcher.request({
        origin: server.origin,
        path: `${prefix}${request.path}`,
        method: request.method,
        headers: { accept: 'application/json', 'user-agent': userAgent, ...headers, ...request.headers },
        body: request.body ?? null,
        signal: request.signal ?? null,
        headersTimeout: request.silenceMs,
        bodyTimeout: request.silenceMs,
      });
      const retryAfter = answer.headers['retry-after'];
      return {
        code: answer.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
        body: answer.body,
      };
    } catch (error) {
      throw errorOfSending(request, error);
    }
  };

  return {
    host: server.host,
    send,
    close: async () => {
      const all = [...retired, ...(current === undefined ? [] : [current.dispatcher])];
      await Promise.all(all.map((dispatcher) => dispatcher.destroy().catch(() => undefined)));
      stopCancelling();
    },
  };
};

const silence = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);

/** What broke while sending or reading, as an ApiError; an abort stays what the aborter said. */
export const errorOfSending = (request: Pick<HttpRequest, 'words' | 'signal'>, error: unknown): unknown => {
  if (request.signal?.aborted === true) return request.signal.reason;
  if (error instanceof ApiError) return error;
  const code = codeOf(error);
  const reason = silence.has(code) ? 'DeadlineExceeded' : 'ConnectionFailed';
  return errorOfNoAnswer(request.words, reason, messageOf(error), error);
};

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** Some errors of Node's core carry their words one level down, or in a code only. */
const messageOf = (error: unknown): string => {
  if (!(typeof error === 'object' && error !== null && 'message' in error)) return String(error);
  const text = String(error.message);
  return text === '' ? codeOf(error) : text;
};

const headersOf = ({ headers, auth }: RequestOptions): Record<string, string> => {
  const basic =
    typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  const given = Object.entries((headers ?? {}) as Record<string, unknown>);
  // A token file often ends with a line feed.
  return { ...basic, ...Object.fromEntries(given.map(([name, value]) => [name, String(value).trim()])) };
};

/** Changes when the TLS identity does; holds no secret. */
const identityOf = ({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): string =>
  createHash('sha256')
    .update(
      [ca, cert, key, servername, rejectUnauthorized]
        .map((part) => `${JSON.stringify(part ?? null)}\0`)
        .join(''),
    )
    .digest('hex');

const dispatcherOf = (kubeConfig: KubeConfig, options: RequestOptions): Dispatcher => {
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const tls = definedOf({ ca, cert, key, servername, rejectUnauthorized });
  const plan = kubeConfig.createDispatcherOptions(kubeConfig.getCurrentCluster(), tls);
  const pool = { pingInterval: pingIntervalMs } as const;
  switch (plan.type) {
    case 'agent':
      return new Agent({ ...pool, connect: connectOptions(plan.connect) });
    case 'proxy':
      return new ProxyAgent({
        ...pool,
        uri: plan.uri,
        requestTls: connectOptions(plan.requestTls),
        connect: connectOptions(plan.connect),
      });
    case 'none':
      return new Agent(pool);
    case 'socks':
      throw new Error('a SOCKS proxy is not supported: use an HTTP one as proxy-url');
  }
};

/** Both are what tls.connect takes; the two packages only declare it differently. */
const connectOptions = (options: object): buildConnector.BuildOptions => ({
  ...options,
  timeout: connectTimeoutMs,
});

const definedOf = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
