import { setTimeout as sleep } from 'node:timers/promises';
import { acceptFor, type Call, endingOf, parse, pathOf, wordsOf } from './calls.ts';
import { type Connection, errorOfSending, type HttpAnswer } from './connection.ts';
import { errorOfAnswer, errorOfNoAnswer } from './errors.ts';
import { lines } from './lines.ts';
import { apiVersionOf, type Kind, type KubeObject, type Name } from './objects.ts';
import { received } from './received.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the call may take in all, waits for `Retry-After` included, in milliseconds. 30 s without it. */
  readonly deadlineMs?: number | undefined;
}

export interface ListOptions extends CallOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects a page; 500 without it. */
  readonly limit?: number | undefined;
}

export interface ListPage<T extends KubeObject> {
  readonly items: readonly T[];
  /** Of the whole list: the same on every page. A watch goes on from here. */
  readonly resourceVersion: string;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion: string;
  /** The server ends the watch after this time. */
  readonly timeoutSeconds: number;
  /** A watch that says nothing for this time is taken for dead, in milliseconds. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The server has taken the watch on. */
  readonly onOpen?: () => void;
}

/** A line of a watch, as it came. */
export interface WatchLine {
  readonly type: string;
  readonly object: unknown;
}

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/**
 * Talks to one API server about any kind: raw JSON both ways, so that no field is lost that this program does not know.
 *
 * Guarantees:
 * - Every call ends: with an answer, with an {@link ApiError}, or with the reason of the signal that aborted it.
 * - An answer 429, or 503, that names a time in `Retry-After` is followed by that wait and another try, as long as the
 *   deadline allows it: such a request was not carried out. Nothing else is repeated here; callers have a back-off.
 * - Objects come without managedFields, and frozen: see {@link received}.
 * - A write leaves only while `fence` allows it, and is given up when the fence falls.
 */
export interface Client {
  get<T extends KubeObject>(kind: Kind, name: Name, options?: CallOptions): Promise<T>;
  /** Page after page. An expired `continue` is an error with code 410: begin anew. */
  list<T extends KubeObject>(kind: Kind, options?: ListOptions): AsyncGenerator<ListPage<T>, void, undefined>;
  /** The lines of one watch request, until the server ends it. */
  watch(kind: Kind, options: WatchOptions): AsyncGenerator<WatchLine, void, undefined>;
  /**
   * Server-side apply: `object` holds the fields that we want to own, and no others. `force`, true without it, takes
   * over fields of it that others own, and only those. `fieldManager`: for an object that several of ours share.
   */
  apply<T extends KubeObject>(
    kind: Kind,
    object: KubeObject,
    options?: CallOptions & { readonly force?: boolean; readonly fieldManager?: string },
  ): Promise<T>;
  /** Server-side apply of `status`, which is nobody else's. `object` needs apiVersion, kind, metadata.name, status. */
  patchStatus<T extends KubeObject>(
    kind: Kind,
    object: KubeObject & { readonly status: object },
    options?: CallOptions,
  ): Promise<T>;
  /**
   * JSON merge patch (RFC 7386): what `object` has is set, what is null in it is removed, whoever owns it. With a uid,
   * 422 when it is another object by now.
   */
  mergePatch<T extends KubeObject>(
    kind: Kind,
    object: { readonly metadata: Name & { readonly uid?: string } },
    options?: CallOptions,
  ): Promise<T>;
  create<T extends KubeObject>(kind: Kind, object: KubeObject, options?: CallOptions): Promise<T>;
  /** The whole object, with the resourceVersion that it was read at: 409 if it has changed since. */
  replace<T extends KubeObject>(kind: Kind, object: KubeObject, options?: CallOptions): Promise<T>;
  /** Children go in the background. 409 when a precondition does not hold, 404 when there is none. */
  delete(kind: Kind, name: Name, preconditions?: Preconditions, options?: CallOptions): Promise<void>;
  /** POST to a subresource, such as `buildconfigs/instantiate`. */
  postSubresource<T>(
    kind: Kind,
    name: Name,
    subresource: string,
    body: object,
    options?: CallOptions,
  ): Promise<T>;
  /** The same client, whose writes `fence` rules beside those that rule them already. */
  fencedBy(fence: Fence): Client;
}

/** Whether this process may write. */
export interface Fence {
  /** Asked just before each write leaves: why it may not, or undefined. */
  readonly closed: () => string | undefined;
  /** Aborted when it closes: writes under way are given up. */
  readonly signal: AbortSignal;
}

export interface ClientSettings {
  readonly connection: Connection;
  /** Under which name the server notes which fields are ours. */
  readonly fieldManager: string;
  readonly fences?: readonly Fence[];
  /** Called once a request, with the HTTP code, or 0 when no answer came. */
  readonly onRequest?: (seen: {
    readonly code: number;
    readonly method: string;
    readonly host: string;
  }) => void;
  /** Waits until the next call may leave. */
  readonly limit?: (signal?: AbortSignal) => Promise<void>;
}

const defaultDeadlineMs = 30_000;
const defaultPageSize = 500;
const maxRetryAfterMs = 30_000;
/** Some say `Retry-After: 0`: at once is too soon. */
const minRetryAfterMs = 100;

export const createClient = (settings: ClientSettings): Client => {
  const { connection, fieldManager } = settings;

  const sendOnce = async (call: Call, signal: AbortSignal, silenceMs: number): Promise<HttpAnswer> => {
    await settings.limit?.(signal);
    const mayLeave = (): void => {
      const closed = closedBy(fencesOf(call));
      if (closed !== undefined) throw errorOfNoAnswer(call.words, 'NotLeader', closed);
    };
    let code = 0;
    try {
      const answer = await connection.send({
        method: call.method,
        path: call.path,
        words: call.words,
        ...(call.accept === undefined ? {} : { headers: { accept: call.accept } }),
        ...(call.body === undefined
          ? {}
          : {
              body: JSON.stringify(call.body),
              headers: { 'content-type': call.contentType ?? 'application/json' },
            }),
        signal,
        silenceMs,
        mayLeave,
      });
      ({ code } = answer);
      return answer;
    } finally {
      settings.onRequest?.({ code, method: call.method, host: connection.host });
    }
  };

  /** Until there is an answer that is not "come back later". */
  const send = async (
    call: Call,
    signal: AbortSignal,
    silenceMs: number,
    endsAt: number,
  ): Promise<HttpAnswer> => {
    for (;;) {
      const answer = await sendOnce(call, signal, silenceMs);
      if (answer.code < 400) return answer;
      const error = errorOfAnswer(call.words, answer.code, await answer.body.text(), answer.retryAfter);
      const waitMs = Math.max(minRetryAfterMs, Math.min(error.retryAfterMs ?? Infinity, maxRetryAfterMs));
      const comeBack = (error.code === 429 || error.code === 503) && answer.retryAfter !== undefined;
      if (!comeBack || performance.now() + waitMs >= endsAt) throw error;
      await sleep(waitMs, undefined, { signal });
    }
  };

  /** A whole call, within its deadline. */
  const ask = async <T>(call: Call, options: CallOptions = {}): Promise<T> => {
    const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
    const ending = endingOf(
      call.words,
      [options.signal, ...fencesOf(call).map(({ signal }) => signal)],
      deadlineMs,
    );
    try {
      const answer = await send(call, ending.signal, deadlineMs, performance.now() + deadlineMs);
      return parse(call.words, await answer.body.text()) as T;
    } catch (error) {
      throw errorOfSending({ words: call.words, signal: ending.signal }, error);
    } finally {
      ending.over();
    }
  };

  const fencesOf = (call: Call): readonly Fence[] => (call.method === 'GET' ? [] : (settings.fences ?? []));

  const askForObject = async <T extends KubeObject>(call: Call, options?: CallOptions): Promise<T> =>
    received(objectIn(call.words, await ask(call, options)) as T, fieldManager);

  const list = async function* <T extends KubeObject>(
    kind: Kind,
    options: ListOptions = {},
  ): AsyncGenerator<ListPage<T>, void, undefined> {
    const { namespace, labelSelector, fieldSelector, limit = defaultPageSize } = options;
    const words = wordsOf('list', kind, namespace === undefined ? undefined : { namespace });
    let next: string | undefined;
    do {
      const query = { labelSelector, fieldSelector, limit: String(limit), continue: next };
      const page = await ask<RawList | null>(
        { method: 'GET', path: pathOf(kind, { namespace }, query), words, ...acceptFor(kind, 'List') },
        options,
      );
      yield {
        items: itemsOf(words, page, kind, fieldManager) as readonly T[],
        resourceVersion: page?.metadata?.resourceVersion ?? '',
      };
      next = page?.metadata?.continue;
    } while (next !== undefined && next !== '');
  };

  const watch = async function* (
    kind: Kind,
    options: WatchOptions,
  ): AsyncGenerator<WatchLine, void, undefined> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, silenceMs } = options;
    const words = wordsOf('watch', kind, namespace === undefined ? undefined : { namespace });
    const query = {
      ...{ labelSelector, fieldSelector, resourceVersion, timeoutSeconds: String(timeoutSeconds) },
      ...{ watch: 'true', allowWatchBookmarks: 'true' },
    };
    // Of its own, so that leaving the loop early ends the request.
    const ending = endingOf(words, [options.signal], undefined);
    try {
      const path = pathOf(kind, { namespace }, query);
      const call: Call = { method: 'GET', path, words, ...acceptFor(kind) };
      const { body } = await send(call, ending.signal, silenceMs, performance.now() + silenceMs);
      options.onOpen?.();
      for await (const line of lines(body, words)) yield lineIn(words, parse(words, line));
    } catch (error) {
      throw errorOfSending({ words, signal: options.signal }, error);
    } finally {
      ending.over();
      ending.abort();
    }
  };

  return {
    list,
    watch,
    get: (kind, name, options) =>
      askForObject({ method: 'GET', path: pathOf(kind, name), words: wordsOf('get', kind, name) }, options),
    apply: (kind, object, options) =>
      askForObject(
        {
          method: 'PATCH',
          path: pathOf(kind, object.metadata, {
            fieldManager: options?.fieldManager ?? fieldManager,
            force: String(options?.force ?? true),
          }),
          words: wordsOf('apply', kind, object.metadata),
          body: object,
          contentType: applyPatch,
        },
        options,
      ),
    patchStatus: (kind, object, options) =>
      askForObject(
        {
          method: 'PATCH',
          path: pathOf(kind, object.metadata, { fieldManager, force: 'true' }, 'status'),
          words: wordsOf('apply status of', kind, object.metadata),
          body: object,
          contentType: applyPatch,
        },
        options,
      ),
    mergePatch: (kind, object, options) =>
      askForObject(
        {
          method: 'PATCH',
          path: pathOf(kind, object.metadata, { fieldManager }),
          words: wordsOf('patch', kind, object.metadata),
          body: object,
          contentType: 'application/merge-patch+json',
        },
        options,
      ),
    create: (kind, object, options) =>
      askForObject(
        {
          method: 'POST',
          path: pathOf(kind, { namespace: object.metadata.namespace }, { fieldManager }),
          words: wordsOf('create', kind, object.metadata),
          body: object,
        },
        options,
      ),
    replace: (kind, object, options) =>
      askForObject(
        {
          method: 'PUT',
          path: pathOf(kind, object.metadata, { fieldManager }),
          words: wordsOf('replace', kind, object.metadata),
          body: object,
        },
        options,
      ),
    delete: async (kind, name, preconditions, options) => {
      await ask(
        {
          method: 'DELETE',
          path: pathOf(kind, name),
          words: wordsOf('delete', kind, name),
          body: {
            ...{ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' },
            ...(preconditions === undefined ? {} : { preconditions }),
          },
        },
        options,
      );
    },
    postSubresource: (kind, name, subresource, body, options) =>
      ask(
        {
          method: 'POST',
          path: pathOf(kind, name, { fieldManager }, subresource),
          words: wordsOf(`post ${subresource} of`, kind, name),
          body,
        },
        options,
      ),
    fencedBy: (fence) => createClient({ ...settings, fences: [...(settings.fences ?? []), fence] }),
  };
};

const closedBy = (fences: readonly Fence[]): string | undefined => {
  for (const fence of fences) {
    const closed = fence.closed();
    if (closed !== undefined) return closed;
  }
  return undefined;
};

/** JSON is YAML: a server takes it under this name, and under no other before 1.36. */
const applyPatch = 'application/apply-patch+yaml';

interface RawList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** Items of a list come without kind and apiVersion. */
const itemsOf = (words: string, page: unknown, kind: Kind, manager: string): readonly KubeObject[] => {
  const items = isRecord(page) ? (page['items'] ?? []) : undefined;
  if (!Array.isArray(items)) throw errorOfNoAnswer(words, 'BrokenAnswer', 'the answer is not a list');
  const apiVersion = apiVersionOf(kind);
  return items.map((item: unknown) =>
    received({ ...objectIn(words, item), apiVersion, kind: kind.kind }, manager),
  );
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const objectIn = (words: string, value: unknown): KubeObject => {
  if (isRecord(value) && isRecord(value['metadata'])) return value as unknown as KubeObject;
  throw errorOfNoAnswer(words, 'BrokenAnswer', 'the answer is not an object with metadata');
};

const lineIn = (words: string, value: unknown): WatchLine => {
  if (isRecord(value) && typeof value['type'] === 'string') return value as unknown as WatchLine;
  throw errorOfNoAnswer(words, 'BrokenAnswer', 'a line of the watch is not an event');
};
