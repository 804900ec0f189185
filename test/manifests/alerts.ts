/** Series as the operator would have them, and which alerts they raise: unit tests of `promtool test rules`. */

interface Series {
  readonly series: string;
  /** Prometheus's notation: `0+1x60` is 0, 1, 2 … 60, a minute each. */
  readonly values: string;
}

interface AlertCase {
  readonly name: string;
  readonly interval: '1m';
  readonly input_series: readonly Series[];
  readonly alert_rule_test: readonly {
    readonly eval_time: string;
    readonly alertname: string;
    readonly exp_alerts: readonly {
      readonly exp_labels: Readonly<Record<string, string>>;
      readonly exp_annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

/** As the ServiceMonitor labels what it reads. */
const seriesOf = (
  metric: string,
  labels: Readonly<Record<string, string>>,
  values: string,
  pod = 'edgebuild-1',
): Series => {
  const all = { ...labels, job: 'edgebuild-metrics', namespace: 'edgebuild-system', pod };
  const text = Object.entries(all).map(([key, value]) => `${key}="${value}"`);
  return { series: `${metric}{${text.join(',')}}`, values };
};

const leading = (pod: string, values: string): Series =>
  seriesOf('leader_election_master_status', { name: 'edgebuild.io' }, values, pod);

/** An alert as it is sent. */
interface Fired {
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: string;
}

/** Series, and whether an alert fires some minutes later. */
const one = (
  name: string,
  input: readonly Series[],
  minutes: number,
  alertname: string,
  ...fires: readonly Fired[]
): AlertCase => ({
  ...{ name, interval: '1m', input_series: input },
  alert_rule_test: [
    {
      ...{ eval_time: `${minutes}m`, alertname },
      exp_alerts: fires.map(({ labels, ...texts }) => ({
        exp_labels: labels,
        exp_annotations: { ...texts, runbook: `docs/runbooks/${alertname}.md` },
      })),
    },
  ],
});

const warning = { severity: 'warning' };
const critical = { severity: 'critical' };

const down: Fired = {
  labels: critical,
  summary: 'No replica of the EdgeBuild operator answers.',
  description: 'Nothing is built, and nodes that lose or gain emulation keep their labels.',
};
const noLeader: Fired = {
  ...down,
  summary: 'Replicas of the EdgeBuild operator run, and none of them leads.',
};
const failing: Fired = {
  labels: { ...warning, controller: 'edgebuild' },
  summary: 'Controller edgebuild of the EdgeBuild operator fails again and again.',
  description: 'It fails 4 times a minute, for 15 minutes now.',
};
const silent: Fired = {
  labels: { ...warning, kind: 'Build', pod: 'edgebuild-1' },
  summary: 'The EdgeBuild operator hears nothing of Build objects.',
  description: 'edgebuild-1 heard of them 30m 0s ago for the last time.',
};
const notProven: Fired = {
  labels: { ...warning, arch: 'arm64' },
  summary: '3 nodes do not run arm64 programs that they should run.',
  description: 'Emulated builds for arm64 go to the other nodes, or wait if there is none.',
};
const foreignHandler: Fired = {
  labels: warning,
  summary: "On some nodes somebody else's binfmt_misc handler is in the way of EdgeBuild's.",
  description: '1 handlers, counted by node and architecture, do not work or are not to be used.',
};
const diskFull: Fired = {
  labels: { ...warning, class: 'DiskFull' },
  summary: 'Builds of EdgeBuilds fail with DiskFull.',
  description: '40 in the last hour, attempts that were tried again included.',
};
const queueing: Fired = {
  labels: warning,
  summary: 'Builds of EdgeBuilds wait long for a node.',
  description: 'One in ten waited 19m 0s or longer.',
};

/** @param terminal those of them that a person must mend. */
const errors = (values: string, terminal = '0x60'): readonly Series[] => [
  seriesOf('controller_runtime_reconcile_errors_total', { controller: 'edgebuild' }, values),
  seriesOf('controller_runtime_terminal_reconcile_errors_total', { controller: 'edgebuild' }, terminal),
  seriesOf('controller_runtime_reconcile_errors_total', { controller: 'nodelabels' }, '0x60'),
  seriesOf('controller_runtime_terminal_reconcile_errors_total', { controller: 'nodelabels' }, '0x60'),
];
const age = (values: string): Series =>
  seriesOf('edgebuild_watch_last_event_age_seconds', { kind: 'Build' }, values);
const notReady = (values: string, pod?: string): Series =>
  seriesOf('edgebuild_emulation_nodes', { arch: 'arm64', state: 'not-ready' }, values, pod);
const foreign = (values: string, pod?: string): Series =>
  seriesOf('edgebuild_emulation_foreign_handlers', {}, values, pod);
const ended = (result: string, reason: string, values: string): Series =>
  seriesOf('edgebuild_builds_total', { result, class: reason, execution: 'Emulated' }, values);
const queued = (le: string, values: string): Series =>
  seriesOf('edgebuild_build_queue_seconds_bucket', { le }, values);

export const alertCases: readonly AlertCase[] = [
  one('a replica answers', [seriesOf('up', {}, '1x20'), seriesOf('up', {}, '0x20', 'edgebuild-2')], 20, 'EdgeBuildOperatorDown'),
  one('none answers', [seriesOf('up', {}, '1 0x20')], 20, 'EdgeBuildOperatorDown', down),
  one('none is there', [], 20, 'EdgeBuildOperatorDown', down),
  one('one leads', [leading('edgebuild-1', '0x20'), leading('edgebuild-2', '1x20')], 20, 'EdgeBuildNoLeader'),
  one('the lead changes', [leading('edgebuild-1', '1x9 0x11'), leading('edgebuild-2', '0x11 1x9')], 12, 'EdgeBuildNoLeader'),
  one('none leads', [leading('edgebuild-1', '0x20'), leading('edgebuild-2', '0x20')], 20, 'EdgeBuildNoLeader', noLeader),

  one('an error now and then', errors('0x9 1x9 2x9 3x30'), 40, 'EdgeBuildReconcileErrors'),
  one('an outage that passes', errors('0+60x3 240x56'), 30, 'EdgeBuildReconcileErrors'),
  one('what people must mend', errors('0+40x60', '0+40x60'), 40, 'EdgeBuildReconcileErrors'),
  one('one object that always fails, beside what people must mend', errors('0+44x60', '0+40x60'), 40, 'EdgeBuildReconcileErrors', failing),
  one('one object that always fails', errors('0+4x60'), 40, 'EdgeBuildReconcileErrors', failing),

  one('a watch with bookmarks', [age('0 20 40 50 0 20 40 50x30')], 30, 'EdgeBuildWatchSilent'),
  one('a kind that is not served', [age(Array.from({ length: 31 }, () => 'NaN').join(' '))], 30, 'EdgeBuildWatchSilent'),
  one('a watch that hears nothing', [age('0+60x30')], 30, 'EdgeBuildWatchSilent', silent),

  one('all nodes are proven', [leading('edgebuild-1', '1x30'), notReady('0x30')], 30, 'EdgeBuildNodesNotProven'),
  one('nodes are proven again soon', [leading('edgebuild-1', '1x30'), notReady('3x10 0x20')], 30, 'EdgeBuildNodesNotProven'),
  one('a replica led when nodes were not proven', [leading('edgebuild-1', '0x30'), leading('edgebuild-2', '1x30'), notReady('3x30'), notReady('0x30', 'edgebuild-2')], 30, 'EdgeBuildNodesNotProven'),
  one('nodes are not proven', [leading('edgebuild-1', '1x30'), notReady('3x30')], 30, 'EdgeBuildNodesNotProven', notProven),

  one('no foreign handler', [leading('edgebuild-1', '1x30'), foreign('0x30')], 30, 'EdgeBuildForeignHandlers'),
  one('a foreign handler', [leading('edgebuild-1', '1x30'), foreign('1x30')], 30, 'EdgeBuildForeignHandlers', foreignHandler),

  one('an author’s mistakes', [ended('failure', 'DockerfileStepFailed', '0+1x60')], 60, 'EdgeBuildBuildsFailing'),
  one('builds succeed', [ended('success', 'BuildComplete', '0+1x60')], 60, 'EdgeBuildBuildsFailing'),
  one('a failure or two', [ended('failure', 'DiskFull', '0x20 1x20 2x20')], 60, 'EdgeBuildBuildsFailing'),
  one('disks are full', [ended('failure', 'DiskFull', '0x20 1+1x40')], 60, 'EdgeBuildBuildsFailing', diskFull),

  one('builds begin at once', [queued('5', '0+1x90'), queued('600', '0+1x90'), queued('+Inf', '0+1x90')], 90, 'EdgeBuildBuildsQueueing'),
  one('nothing is built', [queued('5', '3x90'), queued('600', '3x90'), queued('+Inf', '3x90')], 90, 'EdgeBuildBuildsQueueing'),
  one('builds wait', [queued('600', '0x90'), queued('1200', '0+1x90'), queued('+Inf', '0+1x90')], 90, 'EdgeBuildBuildsQueueing', queueing),
]; // prettier-ignore
