/** POST buildconfigs/NAME/webhooks/SECRET/TYPE: a build because somebody pushed. */
import type { IncomingMessage } from 'node:http';
import type { Api } from './api.ts';
import { badRequest, notFound, Refusal, unauthorized } from './errors.ts';
import { instantiate } from './instantiate.ts';
import { readBuildConfig } from './paths.ts';
import { readBody, type Target } from './requests.ts';
import type { BuildConfig, BuildRequest, EnvVar, WebHookTrigger } from './shapes.ts';
import { shown } from './translation.ts';

interface HookKind {
  /** Its field in a trigger. */
  readonly field: 'github' | 'gitlab' | 'bitbucket' | 'generic';
  readonly cause: string;
  readonly message: string;
  /** Which of its events are a push, and the header that names them. */
  readonly events?: { readonly header: string; readonly push: readonly string[] };
}

const kinds: Readonly<Record<string, HookKind>> = {
  github: {
    ...{ field: 'github', cause: 'githubWebHook', message: 'GitHub WebHook' },
    events: { header: 'x-github-event', push: ['push'] },
  },
  gitlab: {
    ...{ field: 'gitlab', cause: 'gitlabWebHook', message: 'GitLab WebHook' },
    events: { header: 'x-gitlab-event', push: ['Push Hook'] },
  },
  bitbucket: {
    ...{ field: 'bitbucket', cause: 'bitbucketWebHook', message: 'Bitbucket WebHook' },
    events: { header: 'x-event-key', push: ['repo:push'] },
  },
  generic: { field: 'generic', cause: 'genericWebHook', message: 'Generic WebHook' },
};

const hooks = { group: 'build.openshift.io', plural: 'buildconfighook' };

/** Answers with the Build, or with nothing where an event starts none. @throws Refusal 401 for every wrong secret. */
export const receiveWebhook = async (
  api: Api,
  { namespace = '', name = '', rest }: Target,
  request: IncomingMessage,
): Promise<{ readonly body: unknown }> => {
  const [secret = '', type = ''] = rest;
  if (rest.length !== 2) throw badRequest(`unexpected hook subpath "${rest.join('/')}"`);
  const kind = kinds[type];
  if (kind === undefined) throw notFound(hooks, type);
  const refused = unauthorized(`the webhook "${type}" for "${name}" did not accept your secret`);
  let config: BuildConfig;
  try {
    config = await readBuildConfig(api, namespace, name);
  } catch {
    // Whoever does not know the secret is not told what there is.
    throw refused;
  }
  const trigger = await acceptedBy(api, namespace, config, kind, secret);
  if (trigger === undefined) throw refused;
  const event = await eventIn(request, kind, trigger);
  const git = config.spec?.source?.git;
  if (event === undefined) return { body: undefined };
  // Any call of a generic one is a push, if there is no repository, or the call names no branch.
  if (kind.field === 'generic' && (git === undefined || event.ref === undefined))
    return start(api, namespace, name, kind, { ...(event.env === undefined ? {} : { env: event.env }) });
  return isOf(event.ref ?? '', git?.ref)
    ? start(api, namespace, name, kind, event)
    : { body: skipped(event) };
};

/** A warning, as a success. */
const skipped = ({ ref = '' }: HookEvent): object => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 200 },
  message: `skipping build. Branch reference from "${ref}" does not match configuration`,
});

const start = async (
  api: Api,
  namespace: string,
  name: string,
  { cause, message }: HookKind,
  { revision, env }: HookEvent,
): Promise<{ readonly body: unknown }> => {
  const hook = { ...(revision === undefined ? {} : { revision }), secret: '<secret>' };
  const request: BuildRequest = {
    ...{ metadata: { name }, triggeredBy: [{ message, [cause]: hook }] },
    ...(revision === undefined ? {} : { revision }),
    ...(env === undefined ? {} : { env }),
  };
  try {
    const build = await instantiate(api, namespace, request);
    return { body: JSON.parse(shown(JSON.stringify(build), 'builds')) as unknown };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(500, 'InternalError', `Internal error occurred: could not generate a build: ${why}`, {
      causes: [{ message: `could not generate a build: ${why}` }],
    });
  }
};

const acceptedBy = async (
  api: Api,
  namespace: string,
  { spec }: BuildConfig,
  { field }: HookKind,
  given: string,
): Promise<WebHookTrigger | undefined> => {
  for (const trigger of spec?.triggers ?? []) {
    const hook = trigger[field];
    if (hook === undefined) continue;
    if ((hook.secret ?? '') !== '' && hook.secret === given) return hook;
    const key = await keyOf(api, namespace, hook.secretReference?.name);
    if (key !== undefined && key === given) return hook;
  }
  return undefined;
};

/** Its one key is WebHookSecretKey. */
const keyOf = async (api: Api, namespace: string, name: string | undefined): Promise<string | undefined> => {
  if (name === undefined) return undefined;
  try {
    const path = `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}`;
    const { data = {} } = await api.ask<{ readonly data?: Readonly<Record<string, string>> }>('GET', path);
    const key = data['WebHookSecretKey'];
    return key === undefined ? undefined : Buffer.from(key, 'base64').toString();
  } catch {
    return undefined;
  }
};

interface HookEvent {
  readonly ref?: string;
  readonly revision?: object;
  readonly env?: readonly EnvVar[];
}

interface Payload {
  readonly ref?: string;
  readonly head_commit?: { readonly id?: string; readonly message?: string };
  readonly checkout_sha?: string;
  readonly git?: { readonly ref?: string; readonly commit?: string; readonly message?: string };
  readonly env?: readonly EnvVar[];
  readonly push?: {
    readonly changes?: readonly {
      readonly new?: { readonly name?: string; readonly target?: { readonly hash?: string } };
    }[];
  };
}

/** Undefined for an event that is no push, such as a ping. */
const eventIn = async (
  request: IncomingMessage,
  { events }: HookKind,
  { allowEnv }: WebHookTrigger,
): Promise<HookEvent | undefined> => {
  const body = await readBody(request);
  if (events !== undefined) {
    const header = request.headers[events.header];
    if (header === undefined) throw badRequest(`missing ${events.header}`);
    if (!events.push.includes(String(header))) return undefined;
  }
  const payload = payloadOf(body, events === undefined);
  const change = payload.push?.changes?.at(0)?.new;
  const ref = payload.ref ?? payload.git?.ref ?? change?.name;
  const commit =
    payload.head_commit?.id ?? payload.checkout_sha ?? payload.git?.commit ?? change?.target?.hash;
  const message = payload.head_commit?.message ?? payload.git?.message;
  const git = { ...(commit === undefined ? {} : { commit }), ...(message === undefined ? {} : { message }) };
  return {
    ...(ref === undefined ? {} : { ref }),
    ...(commit === undefined ? {} : { revision: { type: 'Git', git } }),
    ...(allowEnv === true && payload.env !== undefined ? { env: payload.env } : {}),
  };
};

const payloadOf = (body: Buffer, isGeneric: boolean): Payload => {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as Payload;
  } catch (error) {
    // A generic hook ignores what it does not understand, and builds.
    if (isGeneric) return {};
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
};

/** Whether a push was to the branch that is built: `master`, whatever the repository's main one is, if none is named. */
const isOf = (pushed: string, wanted = ''): boolean => {
  const short = (ref: string): string => ref.replace(/^refs\/heads\//, '');
  return short(pushed) === (wanted === '' ? 'master' : short(wanted));
};
