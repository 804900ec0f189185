/** The aggregated API server: what the real one sends here by its APIServices. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import { type Api, gatewayGroup } from './api.ts';
import { documentAt, type OpenApi } from './discovery.ts';
import { badRequest, notFound, Refusal, type Status } from './errors.ts';
import { forward, type Watches } from './forward.ts';
import { imageStreamImage } from './image-stream-images.ts';
import { importImages } from './image-stream-imports.ts';
import { imageStreamTags } from './image-stream-tags.ts';
import { instantiateRequest } from './instantiate.ts';
import { checkOwners } from './owner-rights.ts';
import type { RegistryClient } from './registry-client.ts';
import { readBody, requesterOf, targetOf, type Target } from './requests.ts';
import { checkStrategy } from './strategy-rights.ts';
import { checkTypes } from './type-errors.ts';
import { receiveWebhook } from './webhooks.ts';

export interface GatewaySettings {
  readonly api: Api;
  readonly registryClient: RegistryClient;
  readonly watches: Watches;
  readonly documents: OpenApi;
  /** cert and key it shows; ca of the aggregator's certificates. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer };
}

/** One answer that is made here. */
export interface Answer {
  readonly code?: number;
  readonly body: unknown;
}

/** It does not listen yet. */
export const gatewayServer = (settings: GatewaySettings): Server =>
  createServer(
    { ...settings.tls, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['http/1.1'] },
    (request, response) => {
      void handle(settings, request, response).catch((error: unknown) => {
        refuse(response, error);
      });
    },
  );

const refuse = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status: Status =
    error instanceof Refusal
      ? error.status
      : new Refusal(500, 'InternalError', `Internal error occurred: ${String(error)}`).status;
  answer(response, { code: status.code ?? 500, body: status });
};

const answer = (response: ServerResponse, { code = 200, body }: Answer): void => {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(body === undefined ? '' : JSON.stringify(body));
};

const handle = async (
  settings: GatewaySettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || socket.getPeerCertificate().subject.CN !== 'system:aggregator')
    throw new Refusal(401, 'Unauthorized', 'Unauthorized');
  const { url = '/', method = 'GET' } = request;
  const target = targetOf(url);
  if (target === undefined) {
    const document = documentAt(settings.documents, url);
    if (document === undefined)
      throw new Refusal(404, 'NotFound', 'the server could not find the requested resource', {});
    answer(response, { body: document });
    return;
  }
  const made = await special(settings, target, request);
  if (made !== undefined) {
    answer(response, made);
    return;
  }
  await passThrough(settings, target, method, request, response);
};

/** What no CRD can do. */
const special = async (
  { api, registryClient }: GatewaySettings,
  target: Target,
  request: IncomingMessage,
): Promise<Answer | undefined> => {
  const { resource, subresource } = target;
  const requester = requesterOf(request);
  switch (subresource === undefined ? resource : `${resource}/${subresource}`) {
    case 'buildconfigs/instantiate':
      return { code: 201, body: await instantiateRequest(api, target, requester, await readBody(request)) };
    case 'buildconfigs/webhooks':
      return receiveWebhook(api, target, request);
    case 'imagestreamtags':
      return imageStreamTags(api, target, request.method ?? 'GET');
    case 'imagestreamimages':
      return imageStreamImage(api, target, request.method ?? 'GET');
    case 'imagestreamimports':
      return importImages(api, registryClient, target, request);
    default:
      return undefined;
  }
};

const plain = ['buildconfigs', 'builds', 'imagestreams', 'images'];

const passThrough = async (
  { api, watches }: GatewaySettings,
  target: Target,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { group, resource, subresource, name = '' } = target;
  const isStatus = resource === 'imagestreams' && subresource === 'status';
  if (!plain.includes(resource) || (subresource !== undefined && !isStatus))
    throw new Refusal(404, 'NotFound', 'the server could not find the requested resource', {});
  if (method === 'GET' || method === 'DELETE') {
    await forward({ api, watches }, target, request, response);
    return;
  }
  const body = await readBody(request);
  const requester = requesterOf(request);
  if (requester.groups.includes(gatewayGroup)) throw badRequest(`${gatewayGroup} is no group of a user`);
  if (name === '' && method !== 'POST') throw notFound({ group: group.name, plural: resource }, name);
  if (method === 'POST' || method === 'PUT') await checkTypes(target, body);
  await checkStrategy(api, target, method, requester, body);
  await checkOwners(api, target, requester, body);
  await forward({ api, watches }, target, request, response, body);
};
