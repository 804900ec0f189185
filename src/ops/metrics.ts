/**
 * Metrics under the names that dashboards and alerts for operators know, from controller-runtime's
 * pkg/{internal/controller/metrics,metrics}; names of our own begin with `edgebuild_`. Times are in seconds.
 */
import { collectDefaultMetrics, exponentialBuckets, Registry } from 'prom-client';
import { type Makers, makersFor, type Reading } from './instruments.ts';

/** How a reconcile ended, as controller-runtime has it. */
export const reconcileResults = ['success', 'requeue', 'requeue_after', 'error'] as const;
export type ReconcileResult = (typeof reconcileResults)[number];

/** Of one controller. */
export interface ReconcileMetrics {
  /** How many may run at once. */
  maxConcurrent(workers: number): void;
  started(): void;
  /** Once for each `started`; `error` counts as an error, too. */
  finished(result: ReconcileResult, seconds: number): void;
  /** Beside `finished('error', …)`: it is not tried again. */
  terminalError(): void;
  /** Beside `finished('error', …)`: a bug, not an error that the code expects. */
  panicked(): void;
  /** Beside `finished('error', …)`: it took longer than it may. */
  timedOut(): void;
}

/** Of one work queue. */
export interface QueueMetrics {
  added(): void;
  retried(): void;
  /** An item was taken that had waited so long. */
  started(waitedSeconds: number): void;
  /** Work on an item has ended that took so long. */
  done(workedSeconds: number): void;
  /** How many items wait. */
  depth(read: Reading): void;
  /** How long the work has taken so far that is going on now, all of it together. */
  unfinishedSeconds(read: Reading): void;
  /** How long the oldest work that is going on now has taken so far. */
  longestRunningSeconds(read: Reading): void;
}

/** Of the watch on one kind. */
export interface WatchMetrics {
  restarted(cause: string): void;
  /** How long ago the last event, bookmark or list came. */
  lastEventAgeSeconds(read: Reading): void;
}

/** Of what nodes emulate. */
export interface EmulationMetrics {
  /** How it stands now; what is not named is no more. */
  standing(now: {
    readonly nodes: readonly {
      readonly architecture: string;
      readonly ready: number;
      readonly notReady: number;
    }[];
    readonly foreignHandlers: number;
  }): void;
  repaired(reason: string): void;
}

/** What became of builds. */
export interface BuildMetrics {
  /**
   * @param of `class` is the reason: BuildComplete, or why not.
   * @param seconds how long it ran, if it ran.
   */
  ended(
    of: { readonly result: string; readonly class: string; readonly execution: string },
    seconds: number | undefined,
  ): void;
  /** @param seconds between a build's creation and its beginning. */
  queued(seconds: number): void;
}

/** A call to an API server. */
export interface RequestLabels {
  /** 0 is no answer: client-go's `<error>`. */
  readonly code: number;
  readonly method: string;
  /** `host:port` */
  readonly host: string;
}

export interface Metrics {
  readonly registry: Registry;
  /** Its series are there, at 0, from now on; so it is with the others. */
  reconcile(controller: string): ReconcileMetrics;
  /** @param name also its controller's. */
  queue(name: string): QueueMetrics;
  /** @param causes that are known beforehand: a series of each is there from now on. */
  watch(kind: string, causes?: readonly string[]): WatchMetrics;
  request(labels: RequestLabels): void;
  emulation(): EmulationMetrics;
  builds(): BuildMetrics;
  /** @param name of the Lease. */
  leader(name: string, isMaster: boolean): void;
}

/** All metrics of one process, its own (`process_*`, `nodejs_*`) among them, in a registry of their own. */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const make = makersFor(registry);
  const requests = make.counter(
    'rest_client_requests_total',
    'Number of HTTP requests, partitioned by status code, method, and host.',
    ['code', 'method', 'host'],
  );
  const leaders = make.gauge(
    'leader_election_master_status',
    'Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.',
    ['name'],
  );
  return {
    registry,
    reconcile: reconcileMetrics(make),
    queue: queueMetrics(make),
    watch: watchMetrics(make),
    emulation: () => emulationMetrics(make),
    builds: () => buildMetrics(make),
    request: ({ code, method, host }) => {
      requests.inc({ code: code === 0 ? '<error>' : String(code), method, host });
    },
    leader: (name, isMaster) => {
      leaders.set({ name }, isMaster ? 1 : 0);
    },
  };
};

/** controller-runtime's own, in seconds. */
const reconcileBuckets = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
  ...[1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
];

const reconcileMetrics = ({ counter, gauge, histogram }: Makers): Metrics['reconcile'] => {
  const prefix = 'controller_runtime_';
  const of = ['controller'];
  const per = (what: string): string => `Total number of ${what} per controller`;
  const total = counter(`${prefix}reconcile_total`, per('reconciliations'), ['controller', 'result']);
  const errors = counter(`${prefix}reconcile_errors_total`, per('reconciliation errors'), of);
  const terminal = counter(
    `${prefix}terminal_reconcile_errors_total`,
    per('terminal reconciliation errors'),
    of,
  );
  const panics = counter(`${prefix}reconcile_panics_total`, per('reconciliation panics'), of);
  const timeouts = counter(`${prefix}reconcile_timeouts_total`, per('reconciliation timeouts'), of);
  const time = histogram(
    `${prefix}reconcile_time_seconds`,
    'Length of time per reconciliation per controller',
    of,
    reconcileBuckets,
  );
  const workers = gauge(
    `${prefix}max_concurrent_reconciles`,
    'Maximum number of concurrent reconciles per controller',
    of,
  );
  const active = gauge(`${prefix}active_workers`, 'Number of currently used workers per controller', of);

  return (controller) => {
    const labels = { controller };
    for (const result of reconcileResults) total.inc({ controller, result }, 0);
    for (const one of [errors, terminal, panics, timeouts]) one.inc(labels, 0);
    for (const one of [workers, active]) one.set(labels, 0);
    time.zero(labels);
    return {
      maxConcurrent: (count) => {
        workers.set(labels, count);
      },
      started: () => {
        active.inc(labels);
      },
      finished: (result, seconds) => {
        active.dec(labels);
        total.inc({ controller, result });
        time.observe(labels, seconds);
        if (result === 'error') errors.inc(labels);
      },
      terminalError: () => {
        terminal.inc(labels);
      },
      panicked: () => {
        panics.inc(labels);
      },
      timedOut: () => {
        timeouts.inc(labels);
      },
    };
  };
};

/** client-go's own, in seconds: ten nanoseconds to a thousand seconds. */
const queueBuckets = exponentialBuckets(10e-9, 10, 12);

const queueMetrics = ({ counter, histogram, reading }: Makers): Metrics['queue'] => {
  const of = ['name', 'controller'];
  const adds = counter('workqueue_adds_total', 'Total number of adds handled by workqueue', of);
  const retries = counter('workqueue_retries_total', 'Total number of retries handled by workqueue', of);
  const waits = histogram(
    'workqueue_queue_duration_seconds',
    'How long in seconds an item stays in workqueue before being requested',
    of,
    queueBuckets,
  );
  const works = histogram(
    'workqueue_work_duration_seconds',
    'How long in seconds processing an item from workqueue takes.',
    of,
    queueBuckets,
  );
  const depth = reading('workqueue_depth', 'Current depth of workqueue', of);
  const unfinished = reading(
    'workqueue_unfinished_work_seconds',
    "How many seconds of work has been done that is in progress and hasn't been observed by work_duration. Large values indicate stuck workers.",
    of,
  );
  const longest = reading(
    'workqueue_longest_running_processor_seconds',
    'How many seconds has the longest running processor for workqueue been running.',
    of,
  );

  return (name) => {
    const labels = { name, controller: name };
    for (const one of [adds, retries]) one.inc(labels, 0);
    for (const one of [waits, works]) one.zero(labels);
    for (const one of [depth, unfinished, longest]) one(labels, () => 0);
    return {
      added: () => {
        adds.inc(labels);
      },
      retried: () => {
        retries.inc(labels);
      },
      started: (seconds) => {
        waits.observe(labels, seconds);
      },
      done: (seconds) => {
        works.observe(labels, seconds);
      },
      depth: (read) => {
        depth(labels, read);
      },
      unfinishedSeconds: (read) => {
        unfinished(labels, read);
      },
      longestRunningSeconds: (read) => {
        longest(labels, read);
      },
    };
  };
};

const watchMetrics = ({ counter, reading }: Makers): Metrics['watch'] => {
  const restarts = counter(
    'edgebuild_watch_restarts_total',
    'Total number of watches begun anew, by what ended the one before',
    ['kind', 'cause'],
  );
  const age = reading(
    'edgebuild_watch_last_event_age_seconds',
    'How many seconds ago the last event, bookmark or list of a watch came; NaN before the first',
    ['kind'],
  );
  return (kind, causes = []) => {
    for (const cause of causes) restarts.inc({ kind, cause }, 0);
    age({ kind }, () => Number.NaN);
    return {
      restarted: (cause) => {
        restarts.inc({ kind, cause });
      },
      lastEventAgeSeconds: (read) => {
        age({ kind }, read);
      },
    };
  };
};

/** From a few seconds to a day. */
const buildBuckets = [5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 86_400];

const buildMetrics = ({ counter, histogram }: Makers): BuildMetrics => {
  const total = counter('edgebuild_builds_total', 'Builds that ended, by result, class and execution.', [
    ...['result', 'class', 'execution'],
  ]);
  const duration = histogram(
    'edgebuild_build_duration_seconds',
    'How long builds ran, from the start of their pod.',
    ['result', 'execution'],
    buildBuckets,
  );
  const queue = histogram(
    'edgebuild_build_queue_seconds',
    'How long builds waited for their pod to run.',
    [],
    buildBuckets,
  );
  return {
    ended: (of, seconds) => {
      total.inc({ ...of });
      if (seconds !== undefined) duration.observe({ result: of.result, execution: of.execution }, seconds);
    },
    queued: (seconds) => {
      queue.observe(seconds);
    },
  };
};

const emulationMetrics = ({ counter, gauge }: Makers): EmulationMetrics => {
  const nodes = gauge(
    'edgebuild_emulation_nodes',
    'Number of nodes that should run programs of an architecture, by whether they do',
    ['arch', 'state'],
  );
  const repairs = counter(
    'edgebuild_emulation_repairs_total',
    'Total number of times that a node ran programs of an architecture again, by why it did not',
    ['reason'],
  );
  const foreign = gauge(
    'edgebuild_emulation_foreign_handlers',
    'Number of nodes and architectures whose handler is of somebody else and is not used or does not work, among the first 20 problems',
    [],
  );
  return {
    standing: ({ nodes: now, foreignHandlers }) => {
      nodes.reset();
      for (const { architecture: arch, ready, notReady } of now) {
        nodes.set({ arch, state: 'ready' }, ready);
        nodes.set({ arch, state: 'not-ready' }, notReady);
      }
      foreign.set(foreignHandlers);
    },
    repaired: (reason) => {
      repairs.inc({ reason });
    },
  };
};
