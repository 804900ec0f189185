import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Fence } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import type { Kind, KubeObject, Name } from './objects.ts';

export interface LeaderSettings {
  /** The Lease. */
  readonly name: Name & { readonly namespace: string };
  /** Of this process, and of no other. */
  readonly identity: string;
  /** How long others wait, after the last sign of life that they saw, before they take over. */
  readonly leaseDurationMs: number;
  /** How long this process acts on after its last renewal; less than the lease's duration. */
  readonly renewDeadlineMs: number;
  /** How often it renews, or looks. */
  readonly retryPeriodMs: number;
  readonly onChange?: (isLeader: boolean) => void;
  /** A try that failed: the lease could not be read or written. */
  readonly onError?: (error: unknown) => void;
  /** The clock of {@link monotonic}, for tests. */
  readonly now?: () => Readings;
}

/** Two clocks, in milliseconds: the first stops while a machine sleeps, the second jumps when somebody sets it. */
export interface Readings {
  readonly monotonic: number;
  readonly wall: number;
}
const readClocks = (): Readings => ({ monotonic: performance.now(), wall: Date.now() });

/** The time that passed, and rather too much of it than too little. */
const passed = (from: Readings, to: Readings): number =>
  Math.max(to.monotonic - from.monotonic, to.wall - from.wall);

/**
 * Leader election on a Lease, compatible with client-go's: one of several processes leads at a time.
 *
 * Guarantees:
 * - A process that has not renewed its lease for `renewDeadlineMs`, counted from when that renewal was *sent*, writes
 *   nothing any more through a client fenced by its term: each write asks the clocks just before it leaves, so that a
 *   process which was stopped, or whose machine slept, finds out before its first write. Writes under way are aborted.
 * - Another takes over only after it saw the lease unchanged for `leaseDurationMs` on its own clock: clocks of
 *   different machines are never compared. Since the deadline is shorter, terms do not overlap.
 * - At a graceful stop the lease is released, after the last write: the next one takes it at its next look.
 *
 * Caveat: a write that has left, and is still on its way when the term ends, cannot be called back. The time between
 * deadline and duration (30 s of 137 s by default) is for that.
 */
export interface LeaderElection {
  /** Resolves when this process leads; its term ends when the signal of the fence is aborted. */
  lead(signal: AbortSignal): Promise<Term>;
}

export interface Term {
  readonly fence: Fence;
  /** Gives the lease up, after the last write of the term. Never throws: the lease then runs out by itself. */
  release(): Promise<void>;
}

export const leases: Kind = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const createLeaderElection = (client: Client, settings: LeaderSettings): LeaderElection => {
  const { name, identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = settings;
  const now = settings.now ?? readClocks;
  // What the lease looked like, and since when on our own clocks.
  let seen: { readonly version: string; readonly at: Readings } | undefined;

  /** One look, and one write where the lease is ours or free. */
  const tryOnce = async (signal: AbortSignal): Promise<boolean> => {
    const lease = await read(client, name, signal);
    if (lease === undefined) {
      const made = await client.create<Lease>(leases, leaseOf(settings, undefined), callOptions(signal));
      remember(made);
      return true;
    }
    const holder = lease.spec?.holderIdentity ?? '';
    if (seen?.version !== lease.metadata.resourceVersion) remember(lease);
    const unchangedMs = seen === undefined ? 0 : passedMonotonic(seen.at, now());
    const theirsMs = (lease.spec?.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000;
    if (holder !== '' && holder !== identity && unchangedMs < theirsMs) return false;
    // The resourceVersion that was read goes with it: of two that try at once, one is answered 409.
    remember(await client.replace<Lease>(leases, leaseOf(settings, lease), callOptions(signal)));
    return true;
  };

  const remember = ({ metadata }: Lease): void => {
    seen = { version: metadata.resourceVersion ?? '', at: now() };
  };

  /** A renewal may take no longer than what is left of the deadline anyway; a look no longer than it is worth. */
  const callOptions = (signal: AbortSignal) => ({ signal, deadlineMs: Math.max(1000, renewDeadlineMs / 2) });

  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    try {
      return await tryOnce(signal);
    } catch (error) {
      // Somebody else was faster: no fault, the next look shows who.
      if (!isConflict(error) && !isAlreadyExists(error) && !signal.aborted) settings.onError?.(error);
      return false;
    }
  };

  const lead = async (signal: AbortSignal): Promise<Term> => {
    for (;;) {
      signal.throwIfAborted();
      const sentAt = now();
      if (await attempt(signal)) return beginTerm(sentAt);
      await sleep(retryPeriodMs * (0.8 + Math.random() / 5), undefined, { signal });
    }
  };

  const beginTerm = (acquiredAt: Readings): Term => {
    const ended = new AbortController();
    const renewing = new AbortController();
    let renewedAt = acquiredAt;
    const remainingMs = (): number => renewDeadlineMs - passed(renewedAt, now());
    const end = (): void => {
      if (ended.signal.aborted) return;
      ended.abort(new DOMException('this process does not lead any more', 'AbortError'));
      renewing.abort();
      settings.onChange?.(false);
    };
    let timer = setTimeout(end, remainingMs());

    const isOver = (): boolean => renewing.signal.aborted;
    const renew = async (): Promise<void> => {
      while (!isOver()) {
        await pause(retryPeriodMs, renewing.signal);
        if (isOver()) return;
        const sentAt = now();
        if (!(await attempt(renewing.signal))) {
          if (remainingMs() <= 0) end();
          continue;
        }
        // Renewed too late: another may have led in between.
        if (remainingMs() <= 0 || isOver()) {
          end();
          return;
        }
        renewedAt = sentAt;
        clearTimeout(timer);
        timer = setTimeout(end, remainingMs());
      }
    };
    settings.onChange?.(true);
    const renewed = renew();

    return {
      fence: {
        signal: ended.signal,
        closed: () => {
          if (ended.signal.aborted) return 'this process does not lead any more';
          if (remainingMs() > 0) return undefined;
          end();
          return `the lease was not renewed for ${String(renewDeadlineMs / 1000)} s: another process may lead`;
        },
      },
      release: async () => {
        const wasLeading = !ended.signal.aborted && remainingMs() > 0;
        end();
        clearTimeout(timer);
        await renewed;
        if (wasLeading) await giveUp(client, settings);
      },
    };
  };

  return { lead };
};

const passedMonotonic = (from: Readings, to: Readings): number => to.monotonic - from.monotonic;

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted: the caller looks.
  }
};

const read = async (client: Client, name: Name, signal: AbortSignal): Promise<Lease | undefined> => {
  try {
    return await client.get<Lease>(leases, name, { signal, deadlineMs: 10_000 });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

/** metav1.MicroTime: an API server answers 400 to milliseconds. */
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z');

const leaseOf = (
  { name, identity, leaseDurationMs }: LeaderSettings,
  before: Lease | undefined,
): KubeObject & { readonly spec: Lease['spec'] } => {
  const time = microTime(new Date());
  const isOurs = before?.spec?.holderIdentity === identity;
  const transitions = before?.spec?.leaseTransitions ?? 0;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: before?.metadata ?? name,
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isOurs ? (before.spec.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: before === undefined || isOurs ? transitions : transitions + 1,
    },
  };
};

/** As client-go releases: no holder, and a duration of one second. */
const giveUp = async (client: Client, { name, identity, onError }: LeaderSettings) => {
  try {
    const lease = await client.get<Lease>(leases, name, { deadlineMs: 3000 });
    if (lease.spec?.holderIdentity !== identity) return;
    const spec = {
      ...lease.spec,
      holderIdentity: '',
      leaseDurationSeconds: 1,
      renewTime: microTime(new Date()),
    };
    await client.replace(leases, { ...lease, spec } as KubeObject, { deadlineMs: 3000 });
  } catch (error) {
    onError?.(error);
  }
};
