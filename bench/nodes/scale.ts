import { setTimeout as pause } from 'node:timers/promises';
import { median, number, percentile, type Row, say } from '../runtime/numbers.ts';
import { type Call, callsFrom, countCalls } from './calls.ts';
import { askForArm64, type FakeCluster, openFakeCluster, when } from './fake-cluster.ts';
import { type OperatorProcess, startOperatorProcess } from './operator.ts';

const failure = {
  reason: 'HandlerForeign',
  message: 'the handler qemu-aarch64 is not ours, and fails or is unwanted; remove it on the node',
} as const;

/** What happened while `work` did. */
interface Stretch {
  readonly seconds: number;
  /** Of the operator. */
  readonly calls: readonly Call[];
  readonly everybody: readonly Call[];
  /** Milliseconds a second: 10 are one core's hundredth. */
  readonly cpu: number;
}

/** Watches, and the question every 30 s whether OpenShift's BuildConfigs are served by now: both are of no node. */
const isFollowing = /^(watch |list buildconfigs)/;

const stretch = async (
  cluster: FakeCluster,
  operator: OperatorProcess,
  work: () => Promise<void>,
): Promise<Stretch> => {
  const read = callsFrom(cluster.plane.auditLog);
  const [began, cpu] = [performance.now(), operator.cpuMs()];
  await work();
  const seconds = (performance.now() - began) / 1000;
  const used = operator.cpuMs() - cpu;
  const everybody = read();
  const calls = everybody.filter(({ who, what }) => who.startsWith('edgebuild') && !isFollowing.test(what));
  return { seconds, calls, everybody, cpu: used / seconds };
};

const inWords = (calls: readonly Call[], per: number): string =>
  countCalls(calls)
    .map(([what, count]) => `${what} ${(count / per).toFixed(2)}`)
    .join(', ');

/** Kubelets write their node's status every 5 minutes (nodeStatusReportFrequency) where nothing changes. */
const heartbeatSeconds = 300;

const beat = async (cluster: FakeCluster, signal: AbortSignal): Promise<void> => {
  const everyMs = (heartbeatSeconds * 1000) / cluster.count;
  const began = performance.now();
  for (let turn = 0; !signal.aborted; turn += 1) {
    await cluster.heartbeat(turn % cluster.count);
    await pause(Math.max(0, began + turn * everyMs - performance.now()));
  }
};

/** One agent in a hundred fails each minute, and proves again 10 s later. Returns how many did. */
const flap = async (cluster: FakeCluster, forSeconds: number): Promise<number> => {
  const everyMs = 60_000 / (cluster.count / 100);
  const began = performance.now();
  const healing: Promise<void>[] = [];
  let flaps = 0;
  for (; performance.now() - began < forSeconds * 1000; flaps += 1) {
    const index = (flaps * 97) % cluster.count;
    await cluster.agentSays(index, failure);
    healing.push(pause(10_000).then(() => cluster.agentSays(index, 'Well')));
    await pause(Math.max(0, began + (flaps + 1) * everyMs - performance.now()));
  }
  await Promise.all(healing);
  return flaps;
};

/** From the answer to an agent's status until the label's patch arrives, both of the audit log. */
const delaysIn = (everybody: readonly Call[]): readonly number[] => {
  const said = new Map<string, number>();
  const delays: number[] = [];
  for (const { what, name, who, receivedAt, answeredAt } of everybody) {
    const node = name.replace('edgebuild-agent-', '');
    if (what === 'patch pods/status') said.set(node, answeredAt);
    const at = said.get(node);
    if (what !== 'patch nodes' || !who.startsWith('edgebuild') || at === undefined) continue;
    delays.push(receivedAt - at);
    said.delete(node);
  }
  return delays;
};

const unresponsiveWatches = async ({ plane }: FakeCluster): Promise<number> => {
  const { stdout } = await plane.kubectl(['get', '--raw', '/metrics']);
  return [...stdout.matchAll(/^apiserver_terminated_watchers_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
};

const settle = async (cluster: FakeCluster): Promise<void> => {
  await when(
    async () => (await cluster.ready()) === 'Proven' && (await cluster.labelled()) === cluster.count,
  );
};

export const measureScale = async (): Promise<Row[]> => {
  const count = number('NODES', 5000);
  const cluster = await openFakeCluster(count);
  const began = performance.now();
  await cluster.addNodes();
  say(`${String(count)} fake nodes after ${((performance.now() - began) / 1000).toFixed(0)} s`);
  const operator = await startOperatorProcess(cluster.plane.kubeconfig, 'registry.example/agent:1');
  try {
    await askForArm64(cluster.client);
    await when(async () => (await cluster.daemonSet()).kind !== '');
    const times: number[] = [];
    const first = await stretch(cluster, operator, async () => {
      const from = performance.now();
      const note = (): void => void times.push((performance.now() - from) / 1000);
      await cluster.addPods();
      note();
      await when(async () => (await cluster.ready()) === 'Proven');
      note();
      await settle(cluster);
      note();
    });
    const endedWatches = await unresponsiveWatches(cluster);
    const labelled = first.calls.filter(({ what }) => what === 'patch nodes').length;
    say(`all proven after ${first.seconds.toFixed(0)} s; ${inWords(first.calls, count)} a node; ${operator.peakMiB().toFixed(0)} MiB`); // prettier-ignore

    await operator.collectGarbage();
    const residentMiB = operator.residentMiB();
    const rest = await stretch(cluster, operator, () => pause(number('REST_SECONDS', 60) * 1000));
    say(`at rest: ${inWords(rest.calls, 1)}; ${rest.cpu.toFixed(1)} ms of CPU a second`);

    const beating = await stretch(cluster, operator, async () => {
      await beat(cluster, AbortSignal.timeout(number('BEAT_SECONDS', 60) * 1000));
    });
    say(`with heartbeats: ${inWords(beating.calls, 1)}; ${beating.cpu.toFixed(1)} ms of CPU a second`);

    let flaps = 0;
    const flapping = await stretch(cluster, operator, async () => {
      const over = new AbortController();
      const beats = beat(cluster, over.signal);
      flaps = await flap(cluster, number('FLAP_SECONDS', 180));
      over.abort();
      await beats;
      await settle(cluster);
      await pause(2000);
    });
    const perFlap = inWords(flapping.calls, flaps);
    const delays = delaysIn(flapping.everybody);
    const labels = flapping.calls.filter(({ what }) => what === 'patch nodes').length;
    await operator.collectGarbage();
    const afterwardsMiB = operator.residentMiB();
    const peakMiB = operator.peakMiB();
    const nodes = `${String(count)} fake nodes`;
    return [
      {
        what: `${nodes}, ${String(flaps)} agents failed and proved again in ${flapping.seconds.toFixed(0)} s: writes of labels per change`,
        measured: `${(labels / (2 * flaps)).toFixed(3)} (${String(labels)} of ${String(2 * flaps)} changes)`,
        ...{ goal: '1', isMet: labels === 2 * flaps },
      },
      { what: 'all calls of the operator per agent that failed and proved again', measured: perFlap, goal: '' },
      {
        what: 'from what an agent’s pod says to its label’s write',
        measured: `p50 ${median(delays).toFixed(0)} ms, p99 ${percentile(delays, 0.99).toFixed(0)} ms, at most ${Math.max(...delays).toFixed(0)} ms`,
        goal: '',
      },
      {
        what: `${nodes}: peak of resident memory of \`edgebuild run\``,
        measured: `${peakMiB.toFixed(0)} MiB`,
        ...{ goal: 'under 200 MiB', isMet: peakMiB < 200 },
      },
      {
        what: 'the same, after collecting garbage: at rest; after all changes',
        measured: `${residentMiB.toFixed(0)} MiB; ${afterwardsMiB.toFixed(0)} MiB`,
        ...{ goal: 'under 200 MiB', isMet: Math.max(residentMiB, afterwardsMiB) < 200 },
      },
      {
        what: 'writes of labels until all were proven for the first time',
        measured: `${String(labelled)} in ${first.seconds.toFixed(0)} s, with ${inWords(first.calls, count)} a node`,
        ...{ goal: String(count), isMet: labelled === count },
      },
      {
        what: 'seconds from the first of these agents to the last; to the status that counts all; to the last label',
        ...{ measured: times.map((time) => time.toFixed(0)).join('; '), goal: '' },
      },
      {
        what: 'watches of the operator that the API server ended meanwhile, since nobody read them fast enough',
        ...{ measured: String(endedWatches), goal: '0', isMet: endedWatches === 0 },
      },
      {
        what: `calls in ${rest.seconds.toFixed(0)} s at rest; with heartbeats`,
        measured: `${String(rest.calls.length)}; ${String(beating.calls.length)}`,
        ...{ goal: '0', isMet: rest.calls.length + beating.calls.length === 0 },
      },
      {
        what: 'CPU at rest; with heartbeats (each node every 300 s); with agents flapping, too',
        measured: `${[rest, beating, flapping].map(({ cpu }) => cpu.toFixed(1)).join('; ')} millicores`,
        goal: '',
      },
    ]; // prettier-ignore
  } finally {
    await operator.end();
    await cluster.close();
  }
};
