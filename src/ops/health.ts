import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { type BindAddress, parseBindAddress } from './bind-address.ts';
import { redactText } from './redact.ts';

/** Undefined: fine. A text: what is wrong. It is asked on every request, and should answer from memory. */
export type Check = () => string | undefined;
/** By name: lower-case letters, digits and `-`. Asked in this order. */
export type Checks = Readonly<Record<string, Check>>;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

export interface Ask {
  /** What follows the route's own path and a slash; undefined when nothing does. */
  readonly rest: string | undefined;
  /** The query has `verbose` in it. */
  readonly verbose: boolean;
}

/** Undefined: there is nothing of that name. */
export type Route = (ask: Ask) => Answer | undefined | Promise<Answer | undefined>;
/** By path, such as `/readyz`. */
export type Routes = Readonly<Record<string, Route>>;

/**
 * `/livez`, `/healthz` (the same by its older name) and `/readyz`, as Kubernetes' own servers answer: 200 and `ok`, or 503
 * and a line for each check. `?verbose` gives the lines always; `/readyz/NAME` asks one check.
 */
export const healthRoutes = ({ live, ready }: { readonly live: Checks; readonly ready: Checks }): Routes => ({
  '/livez': checksRoute('livez', live),
  '/healthz': checksRoute('healthz', live),
  '/readyz': checksRoute('readyz', ready),
});

/** `/metrics`, in the format of Prometheus. */
export const metricsRoutes = (registry: Registry): Routes => ({
  '/metrics': async ({ rest }) =>
    rest === undefined
      ? { status: 200, body: await registry.metrics(), contentType: registry.contentType }
      : undefined,
});

const checksRoute =
  (name: string, checks: Checks): Route =>
  ({ rest, verbose }) => {
    const asked = rest === undefined ? Object.keys(checks) : [rest];
    if (asked.some((check) => !Object.hasOwn(checks, check))) return undefined;
    const faults = asked.map((check) => ({ check, fault: faultOf(checks[check]) }));
    const passed = faults.every(({ fault }) => fault === undefined);
    if (passed && !verbose) return { status: 200, body: 'ok' };
    const lines = faults.map(({ check, fault }) =>
      fault === undefined ? `[+]${check} ok` : `[-]${check} failed: ${fault}`,
    );
    const verdict = `${name} check ${passed ? 'passed' : 'failed'}`;
    return { status: passed ? 200 : 503, body: `${[...lines, verdict].join('\n')}\n` };
  };

/** In one line. A check that throws has failed, and says why without its stack. */
const faultOf = (check: Check | undefined): string | undefined => {
  try {
    const fault = check?.();
    return fault === undefined ? undefined : inOneLine(fault);
  } catch (error) {
    return inOneLine(
      `the check itself failed: ${error instanceof Error ? error.message : 'no reason given'}`,
    );
  }
};

const inOneLine = (text: string): string => redactText(text).replace(/\s+/g, ' ').slice(0, 1000);

export interface ServerOptions {
  /** As parseBindAddress reads it. */
  readonly address: string;
  /** Where the address came from, for the message when it cannot be used: `--metrics-bind-address`. */
  readonly flag: string;
  readonly routes: Routes;
  /** Gets what a route threw. The asker gets 500 and no more. */
  readonly onError?: (error: unknown) => void;
}

export interface RunningServer {
  /** The port in use; undefined when the address turns the server off. */
  readonly port: number | undefined;
  /** Ends at once, open connections too. May be called again. */
  close(): Promise<void>;
}

/**
 * Serves the routes over plain HTTP: GET and HEAD only.
 *
 * @throws an Error with the name EnvironmentError and a `remedy` when the address cannot be used.
 */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const address = parseBindAddress(options.address);
  if (address === undefined)
    throw environmentError(
      `${options.flag}: ${JSON.stringify(options.address)} is no address to listen on`,
      `give ${options.flag} an address such as :8080 or 127.0.0.1:8080, or 0 to turn it off`,
    );
  if (address === 'off') return { port: undefined, close: () => Promise.resolve() };

  const server = createServer(limits, (request, response) => void respond(request, response, options));
  await listen(server, address, options);
  // An accepted connection that breaks is no reason to end; a server that listens has no other errors.
  server.on('error', options.onError ?? (() => undefined));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : undefined,
    close: () =>
      new Promise((resolve) => {
        // Its argument would be that it was closed before.
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};

/** In milliseconds, and bytes: whoever asks has little to say, and nobody may keep a connection by saying it slowly. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};

const listen = (
  server: Server,
  { host, port }: BindAddress,
  { address, flag }: ServerOptions,
): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        environmentError(
          `${flag}: cannot listen on ${JSON.stringify(address)}: ${whyNot(error)}`,
          `end what uses the address, or give ${flag} another one, or 0 to turn it off`,
          error,
        ),
      );
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });

const whyNot = ({ code, message }: NodeJS.ErrnoException): string => {
  if (code === 'EADDRINUSE') return 'the port is in use';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  if (code === 'EACCES') return 'ports below 1024 are for privileged users';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name is not known';
  return message;
};

/** The shape of src/engines/environment-error.ts, which a leaf may not import; the command line goes by the name. */
const environmentError = (message: string, remedy: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { name: 'EnvironmentError', remedy });

const respond = async (
  request: IncomingMessage,
  response: ServerResponse,
  { routes, onError }: ServerOptions,
): Promise<void> => {
  const {
    status,
    body,
    contentType = 'text/plain; charset=utf-8',
  } = await answerTo(request, routes, onError);
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // What is left of a body is not read.
    ...(status === 405 ? { allow: 'GET, HEAD', connection: 'close' } : {}),
  });
  response.end(body);
};

const answerTo = async (
  { method, url = '' }: IncomingMessage,
  routes: Routes,
  onError: ServerOptions['onError'],
): Promise<Answer> => {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'method not allowed\n' };
  const [, path = '', rest, query = ''] = /^(\/[^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url) ?? [];
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  try {
    const verbose = new URLSearchParams(query).has('verbose');
    return (await route?.({ rest, verbose })) ?? { status: 404, body: 'not found\n' };
  } catch (error) {
    onError?.(error);
    return { status: 500, body: 'internal error\n' };
  }
};
