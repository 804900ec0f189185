/**
 * What makes a registry OpenShift's internal one: whoever pushes to `NAMESPACE/STREAM:TAG` changes that ImageStream.
 * Everything else passes through to the real registry behind.
 */
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { now } from './admission.ts';
import { type Api, type Requester, review } from './api.ts';
import { Refusal } from './errors.ts';
import { changeStream, recordImages } from './image-records.ts';
import { digestOf, imageOfList, imageOfManifest, type Manifest } from './image-of-manifest.ts';
import { parseReference } from './image-names.ts';
import { orUndefined, readImageStream } from './paths.ts';
import type { RegistryClient } from './registry-client.ts';
import { readBody } from './requests.ts';
import type { Image, ImageStream } from './shapes.ts';
import { withEvent } from './tag-events.ts';

export interface FrontSettings {
  readonly api: Api;
  readonly registryClient: RegistryClient;
  /** host:port of the registry behind, plain HTTP. */
  readonly backend: string;
  /** host:port under which images pushed here are known. */
  readonly name: () => string;
  /** Is told of each tag that was pushed. */
  readonly onPush?: (pushed: { readonly reference: string; readonly digest: string }) => void;
}

/** It does not listen yet. Plain HTTP. */
export const registryFront = (settings: FrontSettings): Server =>
  createServer((request, response) => {
    void handle(settings, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'UNKNOWN', String(error));
    });
  });

const refuse = (response: ServerResponse, code: number, name: string, message: string): void => {
  const challenge = code === 401 ? { 'www-authenticate': 'Basic realm=openshift' } : {};
  response.writeHead(code, { 'content-type': 'application/json', ...challenge });
  response.end(JSON.stringify({ errors: [{ code: name, message, detail: null }] }));
};

interface Repository {
  readonly namespace: string;
  readonly stream: string;
  readonly kind: string;
  readonly reference: string;
}

/** Undefined for what can be no ImageStream's. */
const repositoryOf = (url: string): Repository | undefined => {
  const [, namespace, stream, kind, reference] =
    /^\/v2\/([^/]+)\/([^/]+)\/(manifests|blobs)\/([^?]+)/.exec(url) ?? [];
  return namespace === undefined || stream === undefined || kind === undefined || reference === undefined
    ? undefined
    : { namespace, stream, kind, reference };
};

const handle = async (
  settings: FrontSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { method = 'GET', url = '/' } = request;
  const repository = repositoryOf(url);
  if (!(await isAllowed(settings.api, request, repository))) {
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
    return;
  }
  const isPush = method === 'PUT' && repository?.kind === 'manifests';
  if (!isPush) {
    pass(settings.backend, request, response);
    return;
  }
  const manifest = await readBody(request);
  const answer = await put(settings.backend, request, manifest);
  // The tag has moved before the pusher is told so.
  if (answer.code === 201)
    await record(settings, repository, manifest, request.headers['content-type'] ?? '');
  response.writeHead(answer.code, answer.headers).end(answer.body);
};

const pass = (backend: string, request: IncomingMessage, response: ServerResponse): void => {
  const { method, url, headers } = request;
  const { authorization: _, ...others } = headers;
  // The host stays the front's: the locations that the registry answers lead back here.
  const onward = httpRequest(`http://${backend}${url ?? '/'}`, { method, headers: others }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  onward.once('error', (error) => {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, 'UNAVAILABLE', error.message);
  });
  response.once('close', () => onward.destroy());
  request.pipe(onward);
};

interface PutAnswer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const put = (backend: string, { url, headers }: IncomingMessage, body: Buffer): Promise<PutAnswer> =>
  new Promise((resolve, reject) => {
    const { authorization: _, 'transfer-encoding': __, ...others } = headers;
    const sent = { ...others, 'content-length': String(body.length) };
    const onward = httpRequest(
      `http://${backend}${url ?? '/'}`,
      { method: 'PUT', headers: sent },
      (answer) => {
        readBody(answer).then((text) => {
          resolve({ code: answer.statusCode ?? 502, headers: answer.headers, body: text });
        }, reject);
      },
    );
    onward.once('error', reject);
    onward.end(body);
  });

/** Who sends no credentials may do everything, as a builder on the node; a token must have its rights. */
const isAllowed = async (
  api: Api,
  { method = 'GET', headers: { authorization } }: IncomingMessage,
  repository: Repository | undefined,
): Promise<boolean> => {
  if (authorization === undefined) return true;
  const requester = await requesterOf(api, tokenIn(authorization));
  if (requester === undefined) return false;
  if (repository === undefined) return true;
  const { allowed } = await review(api, requester, {
    verb: method === 'GET' || method === 'HEAD' ? 'get' : 'update',
    ...{ group: 'image.openshift.io', resource: 'imagestreams', subresource: 'layers' },
    ...{ namespace: repository.namespace, name: repository.stream },
  });
  return allowed;
};

/** The user's name counts for nothing. */
const tokenIn = (authorization: string): string => {
  const [scheme = '', value = ''] = authorization.split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  return Buffer.from(value, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
};

const requesterOf = async (api: Api, token: string): Promise<Requester | undefined> => {
  const { status } = await api.ask<{
    readonly status: {
      readonly authenticated?: boolean;
      readonly user?: {
        readonly username: string;
        readonly groups?: readonly string[];
        readonly extra?: Requester['extra'];
      };
    };
  }>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
  });
  const { user } = status;
  return status.authenticated === true && user !== undefined
    ? { user: user.username, groups: user.groups ?? [], extra: user.extra ?? {} }
    : undefined;
};

const record = async (
  settings: FrontSettings,
  { namespace, stream, reference }: Repository,
  bytes: Buffer,
  mediaType: string,
): Promise<void> => {
  const { api } = settings;
  // The registry is the outside's too: what belongs to no stream is nobody's business.
  if ((await orUndefined(readImageStream(api, namespace, stream))) === undefined) return;
  const digest = digestOf(bytes);
  const pullSpec = `${settings.name()}/${namespace}/${stream}@${digest}`;
  await recordImages(api, [await imageOf(settings, `${namespace}/${stream}`, bytes, mediaType, pullSpec)]);
  if (reference.startsWith('sha256:')) return;
  const moved = (before: ImageStream): ImageStream =>
    withEvent(before, reference, {
      ...{ created: now(), dockerImageReference: pullSpec, image: digest },
      generation: before.standin?.generation ?? 1,
    });
  try {
    await changeStream(api, namespace, stream, moved);
  } catch (error) {
    if (!(error instanceof Refusal) || error.status.code !== 404) throw error;
    return;
  }
  settings.onPush?.({ reference: `${namespace}/${stream}:${reference}`, digest });
};

/** Made by this cluster. */
const managed = { 'image.openshift.io/managed': 'true' };

const imageOf = async (
  { registryClient, backend }: FrontSettings,
  repository: string,
  bytes: Buffer,
  mediaType: string,
  pullSpec: string,
): Promise<Image> => {
  const manifest = JSON.parse(bytes.toString()) as Manifest;
  const digest = digestOf(bytes);
  if (manifest.manifests !== undefined)
    return imageOfList(digest, pullSpec, manifest.manifests, mediaType, now(), managed);
  const name = parseReference(`${backend}/${repository}`);
  if (name === undefined || manifest.config === undefined)
    throw new Error(`what was pushed to ${repository} is no image`);
  const access = { insecure: true, credentials: [] };
  const config = await registryClient.read(name, `blobs/${manifest.config.digest}`, access);
  return imageOfManifest(digest, pullSpec, manifest, mediaType, config.bytes, managed);
};
