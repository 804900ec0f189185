import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

/** A request that the fake has got. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly isWatch: boolean;
  /** On performance.now(). */
  readonly at: number;
}

/** An answer that is being given: what a script does with it, step by step. */
export interface FakeAnswer {
  readonly head: (code: number, headers?: Readonly<Record<string, string>>) => void;
  readonly text: (text: string) => void;
  /** Lines of a watch. */
  readonly line: (...objects: readonly object[]) => void;
  readonly end: () => void;
  /** Breaks the connection: no end of HTTP. */
  readonly cut: () => void;
}

export type Script = (answer: FakeAnswer, request: FakeRequest) => void;

/**
 * A fake of an API server, over plain HTTP/1.1: it knows nothing, and answers each request with the next script. What a
 * real one cannot be made to do is all that it is for.
 */
export interface FakeApiServer {
  readonly kubeConfig: KubeConfig;
  readonly requests: readonly FakeRequest[];
  /** Requests that are under way now, and the most that ever were at a time. */
  readonly open: () => number;
  readonly mostOpen: () => number;
  /** One script a request, in order; `otherwise` once there is none left. */
  readonly script: (...scripts: readonly Script[]) => void;
  otherwise: Script;
  readonly close: () => Promise<void>;
}

export const startFakeApiServer = async (): Promise<FakeApiServer> => {
  const requests: FakeRequest[] = [];
  const scripts: Script[] = [];
  const open = new Set<ServerResponse>();
  let mostOpen = 0;
  const server = createServer((incoming, response) => {
    const request = requestOf(incoming);
    requests.push(request);
    open.add(response);
    mostOpen = Math.max(mostOpen, open.size);
    response.once('close', () => open.delete(response));
    incoming.resume();
    // Only when all of the request is here: a write's body, too.
    incoming.once('end', () => {
      (scripts.shift() ?? fake.otherwise)(answerOn(response), request);
    });
  });
  const port = await listen(server);
  const fake: FakeApiServer = {
    ...{ kubeConfig: kubeConfigFor(port), requests, open: () => open.size, mostOpen: () => mostOpen },
    script: (...more) => {
      scripts.push(...more);
    },
    otherwise: (answer) => {
      answer.head(500);
      answer.end();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
};

const requestOf = ({ method = '', url = '/', headers }: IncomingMessage): FakeRequest => {
  const { pathname, searchParams } = new URL(url, 'http://fake');
  return {
    ...{ method, path: pathname, query: searchParams, headers, at: performance.now() },
    isWatch: searchParams.get('watch') === 'true',
  };
};

const answerOn = (response: ServerResponse): FakeAnswer => ({
  head: (code, headers = { 'content-type': 'application/json' }) => {
    response.writeHead(code, headers);
    response.flushHeaders();
  },
  text: (text) => void response.write(text),
  line: (...objects) => {
    for (const object of objects) response.write(`${JSON.stringify(object)}\n`);
  },
  end: () => void response.end(),
  cut: () => void response.socket?.destroy(),
});

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

const kubeConfigFor = (port: number): KubeConfig => {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'fake', token: 'token-of-fake' },
  );
  return config;
};
