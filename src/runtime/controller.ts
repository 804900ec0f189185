import { randomUUID } from 'node:crypto';
import type { Client } from '../kube/client.ts';
import { ApiError, isConflict, isNotLeader, isTransient } from '../kube/errors.ts';
import type { Key, KubeObject } from '../kube/objects.ts';
import type { Store } from '../kube/store.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import type { Outcome } from './outcome.ts';
import { createQueue } from './queue.ts';
import { NameTaken, OwnerGone } from './children.ts';
import { feed, type Mapped } from './feed.ts';

/** One object to look at. */
export interface Request<T extends KubeObject> {
  readonly key: Key;
  /** As the cache has it now: frozen. */
  readonly object: T;
  /** Writes until the reconcile has returned, or has run out of time, and not a moment longer. */
  readonly client: Client;
  readonly signal: AbortSignal;
  /** Its lines carry the controller, the key and the id of this reconcile. */
  readonly log: Logger;
}

export interface ControllerSettings<T extends KubeObject> {
  readonly name: string;
  /** The kind that is reconciled. */
  readonly root: Store<T>;
  /** Kinds of children: a change of one starts its controller owner. */
  readonly owned?: readonly Store<KubeObject>[];
  /** Other kinds, and which keys of the root a change of one starts. */
  readonly mapped?: readonly Mapped[];
  readonly reconcile: (request: Request<T>) => Promise<Outcome>;
  /** Keys that are looked at also while there is no such object: of something that is made when it is needed. */
  readonly absent?: {
    readonly keys: readonly Key[];
    readonly reconcile: (request: Omit<Request<T>, 'object'>) => Promise<Outcome>;
  };
  /** How many objects at once. */
  readonly workers: number;
  /** How long one reconcile may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly backoffBaseMs?: number;
  /** 20 s without it, as for watches: what failed while the API server was away does not wait longer once it is back. */
  readonly backoffCapMs?: number;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/**
 * Turns changes into reconciles of the objects that they concern.
 *
 * Guarantees:
 * - Nothing is reconciled before every cache has synced, or is known to be unavailable. Then everything is, once.
 * - One object is never reconciled twice at the same time; changes meanwhile start it once more, afterwards.
 * - No object keeps another from its turn for longer than `timeoutMs`, and none ends the process: what throws or hangs
 *   is counted, logged, and tried again with a back-off of its own.
 * - A kind that becomes unavailable, or available, starts every object.
 *
 * Caveat: a reconcile that ignores its signal is left alone when its time is over. It cannot write any more, since its
 * client is fenced, but it goes on using memory until it returns.
 */
export interface Controller {
  readonly name: string;
  /**
   * Works until `stop` is aborted, then lets what is under way end, and returns.
   *
   * @param client for the reconciles' writes; fenced by whoever leads.
   * @param abandon gives up what is under way, too.
   */
  run(client: Client, stop: AbortSignal, abandon: AbortSignal): Promise<void>;
}

export const createController = <T extends KubeObject>(settings: ControllerSettings<T>): Controller => {
  const { name, root, owned = [], mapped = [], workers } = settings;
  const metrics = settings.metrics?.reconcile(name);
  const queueMetrics = settings.metrics?.queue(name);
  metrics?.maxConcurrent(workers);

  const run = async (client: Client, stop: AbortSignal, abandon: AbortSignal): Promise<void> => {
    const queue = createQueue({
      backoffBaseMs: settings.backoffBaseMs ?? 200,
      backoffCapMs: settings.backoffCapMs ?? 20_000,
      metrics: queueMetrics,
    });
    const stopFeeding = feed({
      ...{ root, owned, mapped, keys: allKeys },
      add: (key, afterMs) => {
        if (afterMs === undefined) queue.add(key);
        else queue.addAfter(key, afterMs);
      },
      log: settings.log,
    });
    const shutDown = (): void => {
      queue.shutDown();
    };
    stop.addEventListener('abort', shutDown, { once: true });
    try {
      const stores = [root, ...owned, ...mapped.map(({ store }) => store)];
      const settled = async (): Promise<void> => {
        await Promise.all(stores.map((store) => store.settled(stop)));
      };
      await settled();
      if (stop.aborted) return;
      for (const key of allKeys()) queue.add(key);
      await Promise.all(Array.from({ length: workers }, () => work(queue, client, abandon, settled)));
    } finally {
      stop.removeEventListener('abort', shutDown);
      stopFeeding();
      queue.shutDown();
    }
  };

  const allKeys = (): readonly Key[] => [...new Set([...root.keys(), ...(settings.absent?.keys ?? [])])];

  /** What is to be done for a key now; undefined: nothing, there is no such object. */
  const jobOf = (key: Key): ((request: Omit<Request<T>, 'object'>) => Promise<Outcome>) | undefined => {
    const object = root.get(key);
    if (object !== undefined) return (request) => settings.reconcile({ ...request, object });
    return settings.absent?.keys.includes(key) === true ? settings.absent.reconcile : undefined;
  };

  const work = async (
    queue: ReturnType<typeof createQueue>,
    client: Client,
    abandon: AbortSignal,
    settled: () => Promise<void>,
  ): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      // Again, too: a kind that comes after another is listed when that appears.
      await settled();
      const job = jobOf(key);
      if (job === undefined) queue.forget(key);
      else await reconcileOne(queue, key, job, client, abandon);
      queue.done(key);
    }
  };

  const reconcileOne = async (
    queue: ReturnType<typeof createQueue>,
    key: Key,
    job: (request: Omit<Request<T>, 'object'>) => Promise<Outcome>,
    client: Client,
    abandon: AbortSignal,
  ): Promise<void> => {
    const log = settings.log.child({ controller: name, object: key, reconcileID: randomUUID() });
    const startedAt = performance.now();
    metrics?.started();
    const answer = await withinTime(
      settings.timeoutMs,
      abandon,
      async (signal, fence) => await job({ key, client: client.fencedBy(fence), signal, log }),
    );
    const seconds = (performance.now() - startedAt) / 1000;

    switch (answer.type) {
      case 'done':
      case 'waiting':
        queue.forget(key);
        metrics?.finished('success', seconds);
        log.debug('reconciled', { ...answer, seconds });
        return;
      case 'again':
        queue.forget(key);
        queue.addAfter(key, answer.afterMs);
        metrics?.finished('requeue_after', seconds);
        log.debug('reconciled', { ...answer, seconds });
        return;
      case 'terminal':
        queue.forget(key);
        metrics?.finished('error', seconds);
        metrics?.terminalError();
        log.info('a person must act', { reason: answer.reason, seconds });
        return;
      case 'abandoned':
        // Whoever leads next, or the next start, does it.
        metrics?.finished('requeue', seconds);
        return;
      case 'timedOut':
        metrics?.finished('error', seconds);
        metrics?.timedOut();
        log.error('reconcile took too long', { seconds, retryInMs: queue.addRateLimited(key) });
        return;
      case 'failed':
        reportFailure(queue, key, answer.error, seconds, log);
        return;
    }
  };

  const reportFailure = (
    queue: ReturnType<typeof createQueue>,
    key: Key,
    error: unknown,
    seconds: number,
    log: Logger,
  ): void => {
    metrics?.finished('error', seconds);
    const retryInMs = queue.addRateLimited(key, error instanceof ApiError ? error.retryAfterMs : undefined);
    const fields = { error, seconds, retryInMs, failures: queue.failures(key) };
    if (isConflict(error) || isNotLeader(error) || error instanceof OwnerGone)
      log.debug('somebody else was faster', fields);
    else if (isTransient(error)) log.warn('the API server did not answer', fields);
    else if (error instanceof ApiError) log.error('the API server refused', fields);
    else if (error instanceof NameTaken) log.warn('a name is taken', fields);
    else {
      metrics?.panicked();
      log.error('reconcile failed: this is a bug', fields);
    }
  };

  return { name, run };
};

type Answer =
  | Outcome
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'timedOut' }
  | { readonly type: 'abandoned' };

/** Whatever `work` does, there is an answer within the time; after it, the fence is closed. */
const withinTime = async (
  timeoutMs: number,
  abandon: AbortSignal,
  work: (
    signal: AbortSignal,
    fence: { readonly signal: AbortSignal; readonly closed: () => string | undefined },
  ) => Promise<Outcome>,
): Promise<Answer> => {
  const controller = new AbortController();
  const { signal } = controller;
  const givenUp = Promise.withResolvers<Answer>();
  const end = (answer: Answer): void => {
    controller.abort(new DOMException(`the reconcile was given up: ${answer.type}`, 'AbortError'));
    givenUp.resolve(answer);
  };
  const timer = setTimeout(() => {
    end({ type: 'timedOut' });
  }, timeoutMs);
  const onAbandon = (): void => {
    end({ type: 'abandoned' });
  };
  if (abandon.aborted) onAbandon();
  abandon.addEventListener('abort', onAbandon, { once: true });
  const closed = (): string | undefined => (signal.aborted ? 'this reconcile is over' : undefined);
  try {
    return await Promise.race([givenUp.promise, settle(work(signal, { signal, closed }))]);
  } finally {
    clearTimeout(timer);
    abandon.removeEventListener('abort', onAbandon);
    controller.abort(new DOMException('this reconcile is over', 'AbortError'));
  }
};

const settle = async (work: Promise<Outcome>): Promise<Answer> => {
  try {
    return await work;
  } catch (error) {
    return { type: 'failed', error };
  }
};
