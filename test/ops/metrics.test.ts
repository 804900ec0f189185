import { describe, expect, test } from '@jest/globals';
import { createMetrics, type Metrics } from '../../src/ops/metrics.ts';

/** The series that a scrape shows, and their values as text. */
const scrape = async ({ registry }: Metrics): Promise<ReadonlyMap<string, string>> => {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line): [string, string] => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), line.slice(end + 1)];
    }),
  );
};

/** Those of some names, without buckets. */
const seriesOf = async (metrics: Metrics, prefix: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await scrape(metrics))].filter(([name]) => name.startsWith(prefix) && !name.includes('_bucket')),
  );

const runtime = 'controller_runtime_';

describe('a controller', () => {
  test('has every series at 0 before its first reconcile', async () => {
    const metrics = createMetrics();
    metrics.reconcile('edgebuild');
    expect(await seriesOf(metrics, runtime)).toEqual({
      ...Object.fromEntries(
        ['success', 'requeue', 'requeue_after', 'error'].map((result) => [
          `${runtime}reconcile_total{controller="edgebuild",result="${result}"}`,
          '0',
        ]),
      ),
      ...Object.fromEntries(
        [
          ...['reconcile_errors_total', 'terminal_reconcile_errors_total', 'reconcile_panics_total'],
          ...['reconcile_timeouts_total', 'reconcile_time_seconds_sum', 'reconcile_time_seconds_count'],
          ...['max_concurrent_reconciles', 'active_workers'],
        ].map((name) => [`${runtime}${name}{controller="edgebuild"}`, '0']),
      ),
    });
  });

  test('counts what its reconciles do', async () => {
    const metrics = createMetrics();
    const reconcile = metrics.reconcile('a');
    reconcile.maxConcurrent(10);
    for (let i = 0; i < 5; i++) reconcile.started();
    reconcile.finished('success', 0.2);
    reconcile.finished('requeue_after', 0.2);
    reconcile.terminalError();
    reconcile.finished('error', 70);
    reconcile.panicked();
    reconcile.timedOut();
    reconcile.finished('error', 1);
    const series = await scrape(metrics);
    const of = (name: string): string | undefined => series.get(`${runtime}${name}`);
    expect(of('reconcile_total{controller="a",result="success"}')).toBe('1');
    expect(of('reconcile_total{controller="a",result="requeue_after"}')).toBe('1');
    expect(of('reconcile_total{controller="a",result="error"}')).toBe('2');
    expect(of('reconcile_errors_total{controller="a"}')).toBe('2');
    for (const name of ['terminal_reconcile_errors', 'reconcile_panics', 'reconcile_timeouts'])
      expect(of(`${name}_total{controller="a"}`)).toBe('1');
    expect(of('active_workers{controller="a"}')).toBe('1');
    expect(of('max_concurrent_reconciles{controller="a"}')).toBe('10');
    expect(of('reconcile_time_seconds_bucket{le="0.15",controller="a"}')).toBe('0');
    expect(of('reconcile_time_seconds_bucket{le="0.2",controller="a"}')).toBe('2');
    expect(of('reconcile_time_seconds_bucket{le="60",controller="a"}')).toBe('3');
    expect(of('reconcile_time_seconds_bucket{le="+Inf",controller="a"}')).toBe('4');
  });
});

describe('a queue', () => {
  const series = (name: string): string => `workqueue_${name}{name="q",controller="q"}`;

  test('has every series at 0 before its first item', async () => {
    const metrics = createMetrics();
    metrics.queue('q');
    const names = [
      ...[
        'depth',
        'adds_total',
        'retries_total',
        'unfinished_work_seconds',
        'longest_running_processor_seconds',
      ],
      ...['queue_duration_seconds_sum', 'queue_duration_seconds_count'],
      ...['work_duration_seconds_sum', 'work_duration_seconds_count'],
    ];
    expect(await seriesOf(metrics, 'workqueue_')).toEqual(
      Object.fromEntries(names.map((name) => [series(name), '0'])),
    );
  });

  test('counts, and is read when it is scraped', async () => {
    const metrics = createMetrics();
    const queue = metrics.queue('q');
    let depth = 1;
    queue.depth(() => depth);
    queue.unfinishedSeconds(() => 7.5);
    queue.longestRunningSeconds(() => 5);
    queue.added();
    queue.added();
    queue.retried();
    queue.started(0.5);
    queue.done(2);
    depth = 4;
    expect(await seriesOf(metrics, 'workqueue_')).toEqual({
      [series('depth')]: '4',
      [series('adds_total')]: '2',
      [series('retries_total')]: '1',
      [series('unfinished_work_seconds')]: '7.5',
      [series('longest_running_processor_seconds')]: '5',
      [series('queue_duration_seconds_sum')]: '0.5',
      [series('queue_duration_seconds_count')]: '1',
      [series('work_duration_seconds_sum')]: '2',
      [series('work_duration_seconds_count')]: '1',
    });
    depth = 0;
    expect((await scrape(metrics)).get(series('depth'))).toBe('0');
  });

  test('has the buckets of client-go', async () => {
    const metrics = createMetrics();
    metrics.queue('q');
    const buckets = [...(await scrape(metrics)).keys()].filter((name) =>
      name.includes('queue_duration_seconds_bucket'),
    );
    const ends = buckets.map((name) => Number(/le="([^"]+)"/.exec(name)?.[1]?.replace('+Inf', 'Infinity')));
    expect(ends).toHaveLength(13);
    expect(ends[0]).toBeCloseTo(1e-8, 12);
    expect(ends[11]).toBeCloseTo(1000, 6);
    expect(ends[12]).toBe(Infinity);
  });

  test('that cannot be read leaves the other metrics readable', async () => {
    const metrics = createMetrics();
    metrics.queue('q').depth(() => {
      throw new Error('boom');
    });
    metrics.queue('other').depth(() => 3);
    const all = await scrape(metrics);
    expect(all.get(series('depth'))).toMatch(/^nan$/i);
    expect(all.get('workqueue_depth{name="other",controller="other"}')).toBe('3');
  });
});

test('a watch has its causes from the start, and its age when it is scraped', async () => {
  const metrics = createMetrics();
  const watch = metrics.watch('Build', ['gone', 'closed']);
  const age = 'edgebuild_watch_last_event_age_seconds{kind="Build"}';
  expect((await scrape(metrics)).get(age)).toMatch(/^nan$/i);
  watch.lastEventAgeSeconds(() => 12);
  watch.restarted('gone');
  watch.restarted('other');
  expect(await seriesOf(metrics, 'edgebuild_')).toEqual({
    [age]: '12',
    'edgebuild_watch_restarts_total{kind="Build",cause="gone"}': '1',
    'edgebuild_watch_restarts_total{kind="Build",cause="closed"}': '0',
    'edgebuild_watch_restarts_total{kind="Build",cause="other"}': '1',
  });
});

test('calls are counted by code, and without an answer as client-go does', async () => {
  const metrics = createMetrics();
  const call = { method: 'GET', host: 'api:6443' };
  metrics.request({ ...call, code: 200 });
  metrics.request({ ...call, code: 200 });
  metrics.request({ ...call, code: 0 });
  expect(await seriesOf(metrics, 'rest_client_')).toEqual({
    'rest_client_requests_total{code="200",method="GET",host="api:6443"}': '2',
    'rest_client_requests_total{code="<error>",method="GET",host="api:6443"}': '1',
  });
});

test('the leader is 1, and who waits is 0', async () => {
  const metrics = createMetrics();
  metrics.leader('edgebuild.io', false);
  expect(await seriesOf(metrics, 'leader_')).toEqual({
    'leader_election_master_status{name="edgebuild.io"}': '0',
  });
  metrics.leader('edgebuild.io', true);
  expect(await seriesOf(metrics, 'leader_')).toEqual({
    'leader_election_master_status{name="edgebuild.io"}': '1',
  });
});

test('a label value cannot make a series of its own', async () => {
  const metrics = createMetrics();
  metrics.leader('a"} 1\nfaked{b="', true);
  const text = await metrics.registry.metrics();
  expect(text).toContain('leader_election_master_status{name="a\\"} 1\\nfaked{b=\\""} 1');
  expect(text.split('\n').some((line) => line.startsWith('faked'))).toBe(false);
});

test('the process is there, and two sets of metrics know nothing of each other', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.leader('a', true);
  const series = await scrape(one);
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
  ])
    expect([...series.keys()]).toContain(name);
  expect([...series.keys()].some((name) => name.startsWith('nodejs_eventloop_lag'))).toBe(true);
  expect(await seriesOf(other, 'leader_')).toEqual({});
});
