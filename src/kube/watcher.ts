import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff } from './backoff.ts';
import type { Client, WatchLine } from './client.ts';
import { ApiError, errorOfNoAnswer, errorOfStatus, isGone, isTransient } from './errors.ts';
import { isOlder, type Kind, type KubeObject, resourceOf } from './objects.ts';
import { received } from './received.ts';

/** What a watcher says of a kind. */
export type WatcherEvent<T extends KubeObject> =
  /** All that there is, at `resourceVersion`. What was known and is not in it is gone. */
  | { readonly type: 'listed'; readonly objects: readonly T[]; readonly resourceVersion: string }
  /** `object` is new, or has changed. */
  | { readonly type: 'applied'; readonly object: T }
  /** `object`, as it last was, is gone. */
  | { readonly type: 'deleted'; readonly object: T }
  /** Nothing has changed up to `resourceVersion`. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  /** No news until the next event: `error` says why, if one did; tried again in `retryInMs`. */
  | {
      readonly type: 'interrupted';
      readonly cause: InterruptionCause;
      readonly error?: ApiError;
      readonly retryInMs: number;
    };

/** Why a list or a watch ended. Names are values of the metric edgebuild_watch_restarts_total. */
export type InterruptionCause =
  /** The server ended it at the time that it was asked to: nothing is wrong. */
  | 'Timeout'
  /** The server ended it before that. */
  | 'Closed'
  /** Not a byte for longer than there may be: a half-open connection, or a proxy that holds it. */
  | 'Silent'
  /** The connection broke, or none was had. */
  | 'ConnectionFailed'
  /** 429 or 5xx. */
  | 'ServerError'
  /** 410: what it was to go on from is forgotten. */
  | 'Gone'
  /** An ERROR event, a line that was cut off, or an event that no server sends. */
  | 'BrokenStream'
  /** An event, or a list, older than what was seen before it. */
  | 'OutOfOrder'
  /** Time to see whether something was missed. */
  | 'Relist'
  /** 403 or 401. */
  | 'Forbidden'
  /** 404: the kind is not served. */
  | 'NotServed';

export interface WatcherSettings {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Which manager's fields to remember: see received.ts. */
  readonly fieldManager: string;
  readonly timing?: Partial<WatcherTiming>;
  readonly random?: () => number;
}

/** All in milliseconds. */
export interface WatcherTiming {
  /**
   * How long one watch request lasts. Short of the silence: the server sends a bookmark 2 s before it ends a watch, so
   * a healthy one is never silent for longer than this, and a dead one is noticed without any traffic of its own.
   */
  readonly watchMs: number;
  /** A watch without a byte for this time is dead. */
  readonly silenceMs: number;
  /** A watch that lived this long was healthy: the back-off starts anew. */
  readonly healthyMs: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** The back-off's cap while the kind is forbidden or not served: somebody has to do something first. */
  readonly unavailableCapMs: number;
  /** How often everything is listed again, in case an event never came: a watch cannot tell. */
  readonly relistMs: number;
}

export const defaultTiming: WatcherTiming = {
  watchMs: 45_000,
  silenceMs: 50_000,
  healthyMs: 5_000,
  backoffBaseMs: 200,
  backoffCapMs: 20_000,
  unavailableCapMs: 30_000,
  relistMs: 10 * 60_000,
};

/**
 * Follows one kind for as long as `signal` lets it, whatever happens in between.
 *
 *                      +---- bookmark, applied, deleted
 *                      v    |
 *     Listing ----> Watching ----> Waiting ----> Watching   Timeout, Closed, Silent, ConnectionFailed, ServerError
 *        ^   |  listed            |     |
 *        |   +------------------->+     +------> Listing    Gone, BrokenStream, OutOfOrder, Relist, and whatever
 *        +--------------------------------------+           ended a list
 *
 * Guarantees:
 * - The first event that says anything of objects is `listed`. After each `listed`, events follow in the order of
 *   resourceVersions, each once, with no gap that the server knows of. After a gap that it does not know of, a
 *   `listed` follows within `relistMs`.
 * - After an interruption the watch goes on from the last resourceVersion that was seen; where that cannot be trusted,
 *   everything is listed. So a deletion that was missed shows by absence from `listed`.
 * - There is one request at a time, and none any more once the generator has returned.
 * - It never throws. It returns when `signal` is aborted, at once.
 * - Waits between tries grow, are jittered and capped, honour Retry-After, and start anew only after a watch that was
 *   healthy: a server that accepts each list and drops each watch is not asked ever faster.
 *
 * Assumptions:
 * - resourceVersions of one kind grow (see {@link isOlder}). Of servers whose do not, the order is not checked.
 * - A server that knows no bookmarks and has nothing to say is silent for `watchMs`, less than `silenceMs`.
 */
export const watchKind = async function* <T extends KubeObject>(
  client: Client,
  kind: Kind,
  settings: WatcherSettings,
  signal: AbortSignal,
): AsyncGenerator<WatcherEvent<T>, void, undefined> {
  const timing = { ...defaultTiming, ...settings.timing };
  const random = settings.random ?? Math.random;
  const backoff = createBackoff({
    baseMs: timing.backoffBaseMs,
    capMs: timing.backoffCapMs,
    random,
  });
  const awayBackoff = createBackoff({ baseMs: timing.backoffBaseMs, capMs: timing.unavailableCapMs, random });
  // Of a server that was started again: it is there, however long it was not, and has to be asked otherwise.
  const goneBackoff = createBackoff({ baseMs: timing.backoffBaseMs, capMs: timing.backoffCapMs, random });
  // Where a watch can go on from: what the last list, event or bookmark said; undefined: list first.
  let position: Position | undefined;
  // The newest that was ever seen, and how many lists in a row were older than it.
  let newest: string | undefined;
  let stale = 0;

  const over = (): boolean => signal.aborted;
  while (!over()) {
    const startedAt = performance.now();
    let ending: Ending;
    if (position === undefined) {
      const listed = await listAll<T>(client, kind, settings, signal);
      if (
        'objects' in listed &&
        (isOlder(listed.resourceVersion, newest) !== true || ++stale >= believedAfter)
      ) {
        position = { resourceVersion: listed.resourceVersion, relistAt: startedAt + timing.relistMs };
        newest = listed.resourceVersion;
        stale = 0;
        yield listed;
        continue;
      }
      ending = 'objects' in listed ? { cause: 'OutOfOrder' } : listed;
    } else {
      ending = yield* watchOnce<T>(client, kind, settings, timing, position, signal);
    }
    if (over()) return;
    newest = position?.resourceVersion ?? newest;

    const { cause, error } = ending;
    if (!isResumable(cause)) position = undefined;
    if (ending.wasHealthy === true) {
      backoff.reset();
      awayBackoff.reset();
      goneBackoff.reset();
    }
    const isAway = cause === 'Forbidden' || cause === 'NotServed';
    const patience = isAway ? awayBackoff : cause === 'Gone' ? goneBackoff : backoff;
    const isPlanned = cause === 'Timeout' || cause === 'Relist';
    const retryInMs = isPlanned
      ? 0
      : Math.max(patience.next(), Math.min(error?.retryAfterMs ?? 0, maxRetryAfterMs));
    yield { type: 'interrupted', cause, retryInMs, ...(error === undefined ? {} : { error }) };
    await waitFor(retryInMs, signal);
  }
};

/** A server that wants to be left alone for longer is asked nevertheless. */
const maxRetryAfterMs = 5 * 60_000;

/**
 * A list that is older than what was seen before comes from a server that lags: ask again. But after etcd was restored
 * from a backup, everything is older, for good.
 */
const believedAfter = 5;

interface Position {
  resourceVersion: string;
  /** On performance.now(). */
  readonly relistAt: number;
}

interface Ending {
  readonly cause: InterruptionCause;
  readonly error?: ApiError;
  /** A watch that did what watches do, for long enough. */
  readonly wasHealthy?: boolean;
}

const isResumable = (cause: InterruptionCause): boolean => {
  switch (cause) {
    case 'Timeout':
    case 'Closed':
    case 'Silent':
    case 'ConnectionFailed':
    case 'ServerError':
      return true;
    case 'Gone':
    case 'BrokenStream':
    case 'OutOfOrder':
    case 'Relist':
    case 'Forbidden':
    case 'NotServed':
      return false;
  }
};

type Listed<T extends KubeObject> = Extract<WatcherEvent<T>, { readonly type: 'listed' }>;

const listAll = async <T extends KubeObject>(
  client: Client,
  kind: Kind,
  { namespace, labelSelector, fieldSelector }: WatcherSettings,
  signal: AbortSignal,
): Promise<Listed<T> | Ending> => {
  const objects: T[] = [];
  let resourceVersion = '';
  try {
    for await (const page of client.list<T>(kind, { namespace, labelSelector, fieldSelector, signal })) {
      for (const object of page.items) objects.push(object);
      ({ resourceVersion } = page);
    }
    if (resourceVersion !== '') return { type: 'listed', objects, resourceVersion };
    const text = 'the list has no resourceVersion, so nothing can be watched from it';
    return {
      cause: 'BrokenStream',
      error: errorOfNoAnswer(`list ${resourceOf(kind)}`, 'BrokenAnswer', text),
    };
  } catch (error) {
    return endingOf(error, signal);
  }
};

/** One watch request, until it ends. `position` moves with what is seen. */
const watchOnce = async function* <T extends KubeObject>(
  client: Client,
  kind: Kind,
  { namespace, labelSelector, fieldSelector, fieldManager }: WatcherSettings,
  timing: WatcherTiming,
  position: Position,
  signal: AbortSignal,
): AsyncGenerator<WatcherEvent<T>, Ending, undefined> {
  const startedAt = performance.now();
  if (startedAt >= position.relistAt) return { cause: 'Relist' };
  const timeoutSeconds = Math.max(1, Math.round(timing.watchMs / 1000));
  const words = `watch ${resourceOf(kind)}`;
  let isOpen = false;
  const lived = (): Pick<Ending, 'wasHealthy'> => ({
    wasHealthy: isOpen && performance.now() - startedAt >= timing.healthyMs,
  });
  try {
    for await (const line of client.watch(kind, {
      ...{ namespace, labelSelector, fieldSelector, signal, timeoutSeconds },
      resourceVersion: position.resourceVersion,
      silenceMs: timing.silenceMs,
      onOpen: () => (isOpen = true),
    })) {
      const event = eventOf<T>(line, words, fieldManager);
      if ('cause' in event) return { ...event, ...lived() };
      const version =
        event.type === 'bookmark' ? event.resourceVersion : event.object.metadata.resourceVersion;
      // The same event again is of no consequence; an older one means that something between was, or will be, missed.
      const isBehind = isOlder(version, position.resourceVersion) === true;
      if (isBehind && event.type !== 'bookmark') return { cause: 'OutOfOrder', ...lived() };
      if (isBehind || (event.type !== 'bookmark' && version === position.resourceVersion)) continue;
      if (version !== undefined) position.resourceVersion = version;
      yield event;
    }
    const livedMs = performance.now() - startedAt;
    if (livedMs + 1000 >= timeoutSeconds * 1000) return { cause: 'Timeout', wasHealthy: true };
    return { cause: 'Closed', ...lived() };
  } catch (error) {
    return { ...endingOf(error, signal), ...lived() };
  }
};

type LineEvent<T extends KubeObject> = Extract<
  WatcherEvent<T>,
  { readonly type: 'applied' | 'deleted' | 'bookmark' }
>;

const eventOf = <T extends KubeObject>(
  { type, object }: WatchLine,
  words: string,
  fieldManager: string,
): LineEvent<T> | Ending => {
  if (type === 'ERROR') {
    const error = errorOfStatus(words, object);
    return { cause: isGone(error) ? 'Gone' : 'BrokenStream', error };
  }
  if (!isObject(object)) return broken(words, `an event ${JSON.stringify(type)} without an object`);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'applied', object: received(object as T, fieldManager) };
    case 'DELETED':
      return { type: 'deleted', object: received(object as T, fieldManager) };
    case 'BOOKMARK':
      return object.metadata.resourceVersion === undefined
        ? broken(words, 'a bookmark without a resourceVersion')
        : { type: 'bookmark', resourceVersion: object.metadata.resourceVersion };
    default:
      return broken(words, `an event of the unknown type ${JSON.stringify(type)}`);
  }
};

const broken = (words: string, text: string): Ending => ({
  cause: 'BrokenStream',
  error: errorOfNoAnswer(words, 'BrokenAnswer', text),
});

const isObject = (value: unknown): value is KubeObject =>
  typeof value === 'object' &&
  value !== null &&
  'metadata' in value &&
  typeof value.metadata === 'object' &&
  value.metadata !== null;

const endingOf = (error: unknown, signal: AbortSignal): Ending => {
  if (signal.aborted) return { cause: 'Closed' };
  if (!(error instanceof ApiError)) throw error; // A bug of ours: nothing else is thrown by the client.
  return { cause: causeOf(error), error };
};

const causeOf = (error: ApiError): InterruptionCause => {
  if (isGone(error)) return 'Gone';
  if (error.reason === 'BrokenAnswer') return 'BrokenStream';
  if (error.reason === 'DeadlineExceeded') return 'Silent';
  if (error.code === 401 || error.code === 403) return 'Forbidden';
  if (error.code === 404) return 'NotServed';
  if (error.code === 0) return 'ConnectionFailed';
  return isTransient(error) ? 'ServerError' : 'BrokenStream';
};

const waitFor = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted: the caller looks at the signal.
  }
};
