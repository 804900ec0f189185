/** Where build pods put what they know of their Builds: OpenShift's subresource builds/details, on loopback. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Name } from '../../../src/kube/objects.ts';
import type { Details } from './kinds.ts';

export interface DetailsServer {
  readonly urlOf: (build: Name & { readonly uid: string }) => string;
  readonly close: () => Promise<void>;
}

/** @param take is told what a pod says; an answer of 503 makes it say it again. */
export const serveDetails = async (
  take: (build: Name & { readonly uid: string }, details: Details) => Promise<void>,
): Promise<DetailsServer> => {
  const server = createServer((request, response) => {
    const [, namespace = '', name = '', uid = ''] = (request.url ?? '').split('/');
    text(request)
      .then((body) => take({ namespace, name, uid }, JSON.parse(body) as Details))
      .then(
        () => response.writeHead(200).end(),
        (error: unknown) => response.writeHead(503).end(String(error)),
      );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    urlOf: ({ namespace = '', name, uid }) => `http://127.0.0.1:${port}/${namespace}/${name}/${uid}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
