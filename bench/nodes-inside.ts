import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { labelOf } from '../src/emulation/labels.ts';
import {
  agentName,
  agentNamespace,
  daemonSets,
  nodeEmulations,
  nodes,
  pods,
} from '../src/emulation/kinds.ts';
import type { Pod, StoredNodeEmulation } from '../src/emulation/kinds.ts';
import { createClient } from '../src/kube/client.ts';
import { openConnection } from '../src/kube/connection.ts';
import { loadKubeConfig } from '../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../src/kube/objects.ts';
import { createStore } from '../src/kube/store.ts';
import { kubectl, pushInto } from '../test/manifests/installation.ts';
import { agentProcesses, cpuMsOf, memoryOf } from './nodes/processes.ts';
import { median, number, type Row, say } from './runtime/numbers.ts';

// bench/nodes-inside.ts RESULTS: runs inside of a box, on its real node, and writes rows of the table there.
const [results = ''] = process.argv.slice(2);
const binfmt = '/proc/sys/fs/binfmt_misc';
const patienceMs = 300_000;

const connection = openConnection(loadKubeConfig({ kubeconfig: process.env['KUBECONFIG'] ?? '' }), 'bench');
const client = createClient({ connection, fieldManager: 'bench' });
const stop = new AbortController();

const follow = <T extends KubeObject>(kind: Kind, namespace?: string) => {
  const store = createStore<T>(client, kind, { fieldManager: 'bench', namespace });
  void store.run(stop.signal);
  return store;
};
const watched = {
  nodes: follow(nodes),
  daemonSets: follow(daemonSets, agentNamespace),
  pods: follow<Pod>(pods, agentNamespace),
  emulations: follow<StoredNodeEmulation>(nodeEmulations),
};

/** When it was so, on performance.now(): looked at often, since what is measured takes seconds. */
const at = async (what: string, isSo: () => boolean): Promise<number> => {
  const began = performance.now();
  while (!isSo()) {
    if (performance.now() - began > patienceMs) throw new Error(`${what}: not within ${patienceMs} ms`);
    await pause(5);
  }
  return performance.now();
};

const isLabelled = (): boolean =>
  watched.nodes.list().some(({ metadata }) => metadata.labels?.[labelOf('arm64')] === 'ready');
const hasEntry = (): boolean => readdirSync(binfmt).some((name) => name.startsWith('edgebuild-aarch64-'));
const reason = (): string =>
  watched.emulations
    .list()
    .at(0)
    ?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason ?? '';

const ask = (managementState: string): Promise<KubeObject> =>
  client.apply(nodeEmulations, {
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'NodeEmulation', metadata: { name: 'cluster' } },
    spec: { architectures: ['arm64'], managementState },
  } as KubeObject);

const seconds = (all: readonly number[]): string =>
  `${(median(all) / 1000).toFixed(1)} s (${all.map((ms) => (ms / 1000).toFixed(1)).join(', ')})`;

const row = (what: string, all: readonly number[], goalMs: number): Row => ({
  ...{ what, measured: seconds(all), goal: `at most ${String(goalMs / 1000)} s` },
  isMet: Math.max(...all) <= goalMs,
});

/** The image is there, and nothing else of it: the emulator is unpacked anew each time. */
const measureProof = async (times: number): Promise<Row[]> => {
  const all: Readonly<Record<(typeof stages)[number], number>>[] = [];
  for (let time = 0; time < times; time += 1) {
    await ask('Removed');
    await at('removed', () => reason() === 'Removed' && watched.daemonSets.list().length + watched.pods.list().length === 0); // prettier-ignore
    await ask('Managed');
    const began = await at('a DaemonSet', () => watched.daemonSets.list().length > 0);
    const since = async (what: string, isSo: () => boolean): Promise<number> =>
      (await at(what, isSo)) - began;
    const [sandbox, agent, entry, ready, label] = await Promise.all([
      since('a program of the pod', () => agentProcesses().length > 0),
      since('programs of both containers', () => agentProcesses().length > 1),
      since('an entry', hasEntry),
      since('a prover that is ready', () => watched.pods.list().some(isProven)),
      since('a label', isLabelled),
    ]);
    const one = { sandbox, agent, entry, ready, label };
    all.push(one);
    say(`DaemonSet to: ${stages.map((stage) => `${stage} ${one[stage].toFixed(0)} ms`).join(', ')}`);
  }
  const words = stages.map((stage) => `${stage} ${(median(all.map((one) => one[stage])) / 1000).toFixed(1)}`);
  return [
    row('DaemonSet applied to proven (labelled), image present', all.map(({ label }) => label), 6000),
    { what: 'of that, medians: first container runs; both run; entry; prover ready; label', measured: `${words.join(', ')} s`, goal: '' },
  ]; // prettier-ignore
};
const stages = ['sandbox', 'agent', 'entry', 'ready', 'label'] as const;
const isProven = (pod: Pod): boolean =>
  pod.status?.containerStatuses?.some(({ name, ready }) => name.startsWith('prove-') && ready === true) ??
  false;

interface Flush {
  readonly entryMs: number;
  /** Undefined: the repair was there before anybody had noticed. */
  readonly lostMs: number | undefined;
  readonly labelMs: number;
}

/** A fresh pod each time: the kubelet lets more and more time pass before it starts a container that has ended. */
const flush = async (): Promise<Flush> => {
  const before = watched.pods.keys();
  await kubectl(
    'delete',
    'pod',
    `--namespace=${agentNamespace}`,
    '-l',
    `app.kubernetes.io/name=${agentName}`,
  );
  await at('another agent', () => watched.pods.keys().length > 0 && !watched.pods.keys().some((key) => before.includes(key))); // prettier-ignore
  await at('a label', isLabelled);
  // At any moment between two looks of agent and prover, and later than what a start does.
  await pause(8000 + Math.random() * 5000);
  const began = performance.now();
  writeFileSync(join(binfmt, 'status'), '-1');
  if (hasEntry()) throw new Error('the flush did not flush');
  let lost: number | undefined;
  const noticing = at('a label lost', () => {
    if (lost === undefined && !isLabelled()) lost = performance.now();
    // Whoever has not noticed within two turns of its own does not notice any more.
    return lost !== undefined || performance.now() - began > 15_000;
  });
  const entryMs = (await at('an entry', hasEntry)) - began;
  await noticing;
  const labelMs = lost === undefined ? 0 : (await at('a label', isLabelled)) - began;
  const lostMs = lost === undefined ? undefined : lost - began;
  say(`flushed: entry after ${entryMs.toFixed(0)} ms, label lost after ${lostMs?.toFixed(0) ?? "-"} ms, back after ${labelMs.toFixed(0)} ms`); // prettier-ignore
  return { entryMs, lostMs, labelMs };
};

const measureFlushes = async (times: number): Promise<Row[]> => {
  const all: Flush[] = [];
  for (let time = 0; time < times; time += 1) all.push(await flush());
  const lost = all.flatMap(({ lostMs }) => lostMs ?? []);
  return [
    row('flush (-1) to the entry there again', all.map(({ entryMs }) => entryMs), 5000),
    row('flush (-1) to the label back; 0: it was never lost', all.map(({ labelMs }) => labelMs), 10_000),
    {
      what: 'of them, the label was lost, and after how long',
      measured: lost.length === 0 ? `0 of ${String(times)}` : `${String(lost.length)} of ${String(times)}: ${seconds(lost)}`,
      goal: '',
    },
  ]; // prettier-ignore
};

const measureRest = async (forSeconds: number): Promise<Row[]> => {
  // Starting has passed; what it took of memory and time is not what rest takes.
  await pause(20_000);
  const roots = agentProcesses();
  say(`the pod's processes: ${roots.map(({ command }) => command).join('; ')}`);
  const samples: { pss: number; rss: number }[] = [];
  const cpu = (): readonly number[] => roots.map((root) => cpuMsOf([root]));
  const [began, before] = [performance.now(), cpu()];
  while (performance.now() - began < forSeconds * 1000) {
    samples.push(memoryOf(roots));
    await pause(97);
  }
  const ran = (performance.now() - began) / 1000;
  const each = cpu().map((ms, index) => (ms - (before[index] ?? 0)) / ran);
  const millicores = each.reduce((sum, one) => sum + one, 0);
  const mib = (values: readonly number[], of: (values: readonly number[]) => number): string =>
    `${(of(values) / 1024).toFixed(2)} MiB`;
  const pss = samples.map((sample) => sample.pss);
  const above = pss.filter((kib) => kib > 3 * 1024).length;
  const most = (values: readonly number[]): number => Math.max(...values);
  const goal = 'at most 3 MiB';
  return [
    {
      what: `agent pod, one architecture: memory (PSS) of its ${String(roots.length)} processes and their children, median of ${String(samples.length)} looks`,
      ...{ measured: mib(pss, median), goal, isMet: median(pss) <= 3 * 1024 },
    },
    {
      what: 'the most that was seen: while a foreign program proves it, or a shell looks',
      measured: `${mib(pss, most)}; above 3 MiB in ${((100 * above) / pss.length).toFixed(1)} % of the looks`,
      ...{ goal, isMet: above === 0 },
    },
    {
      what: 'resident (RSS: what they share is counted for each), median; most',
      measured: [median, most].map((of) => mib(samples.map((sample) => sample.rss), of)).join('; '),
      goal: '',
    },
    {
      what: `agent pod, one architecture: CPU at rest over ${String(forSeconds)} s, ended children included`,
      measured: `${millicores.toFixed(2)} millicores (${roots.map(({ command }, index) => `${command.split('/').at(-1) ?? ''}: ${each[index]?.toFixed(2) ?? ''}`).join(', ')})`,
      ...{ goal: 'at most 2 millicores', isMet: millicores <= 2 },
    },
  ]; // prettier-ignore
};

const measureFiles = (): Row => {
  const directory = '/run/edgebuild';
  const files = readdirSync(directory).map((name) => ({ name, size: statSync(join(directory, name)).size }));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return {
    what: `bytes written on the node for arm64 (${files.map(({ name }) => name).join(', ')})`,
    measured: `${(bytes / 1e6).toFixed(1)} MB`,
    ...{ goal: 'at most 14 MB', isMet: bytes <= 14e6 },
  };
};

const manifests = await pushInto();
await kubectl('apply', '-k', join(manifests, 'overlays/kubernetes'));
await kubectl('--namespace=edgebuild-system', 'rollout', 'status', 'deployment/edgebuild', '--timeout=300s');
await ask('Managed');
await at('the first label', isLabelled);
const times = number('TIMES', 5);
const rows = [
  ...(await measureFlushes(times)),
  ...(await measureProof(times)),
  ...(await measureRest(number('CPU_SECONDS', 180))),
  measureFiles(),
];
writeFileSync(results, JSON.stringify(rows));
stop.abort();
await connection.close();
