import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { edgeBuilds } from '../src/edgebuild/kinds.ts';
import type { Client } from '../src/kube/client.ts';
import { createClient } from '../src/kube/client.ts';
import { openConnection } from '../src/kube/connection.ts';
import { loadKubeConfig } from '../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../src/kube/objects.ts';
import { createStore, type Store } from '../src/kube/store.ts';
import { type ControlPlane, startControlPlane } from '../test/cluster/control-plane.ts';

// Measures the controller runtime against a raw load generator and a twin in Go, all under one API server:
// bench/runtime.ts [converge] [memory] [latency] [rest]. docs/benchmarks.md says what is counted.
const asked = new Set(process.argv.slice(2));
const isAsked = (part: string): boolean => asked.size === 0 || asked.has(part);
const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const pairs = number('PAIRS', 3);
const convergeCount = number('OBJECTS', 1000);
const watchedCount = number('WATCHED', 5000);
const memoryCounts = (process.env['MEMORY'] ?? '0,1000,10000').split(',').map(Number);
const restSeconds = number('REST_SECONDS', 60);

type Contender = 'raw' | 'node' | 'go';
const root = join(import.meta.dirname, '..');
const configMaps: Kind = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};
type Build = KubeObject & { readonly status?: { readonly observedGeneration?: number } };

const commandOf = (who: Contender, kubeconfig: string, namespace: string, count: number): string[] => {
  const script = (name: string): string[] => [process.execPath, join(root, 'bench', name)];
  switch (who) {
    case 'raw':
      return [...script('runtime-raw.ts'), kubeconfig, namespace, String(count)];
    case 'node':
      return [...script('runtime-node.ts'), kubeconfig, namespace];
    case 'go':
      return [join(root, '.cache/twin'), kubeconfig, namespace];
  }
};

const start = (plane: ControlPlane, who: Contender, namespace: string, count: number) => {
  const [program = '', ...args] = commandOf(who, plane.kubeconfig, namespace, count);
  const child = execa(program, args, { reject: false, stdout: 'ignore', stderr: 'inherit' });
  void child.then(({ exitCode }) => {
    if (exitCode === undefined || exitCode === 0) return;
    console.error(`${who} ended with ${String(exitCode)}`);
    process.exit(1);
  });
  return {
    pid: child.pid ?? 0,
    end: async (): Promise<void> => {
      child.kill('SIGKILL');
      await child;
    },
  };
};

/** An object of the length of a real one. */
const build = (namespace: string, name: string, version: number): KubeObject & { spec: object } => ({
  apiVersion: 'edgebuild.io/v1alpha1',
  kind: 'EdgeBuild',
  metadata: { namespace, name },
  spec: { source: { dockerfile: `FROM debian:bookworm-slim\nRUN echo ${String(version)}\n` } },
});

const fill = async (client: Client, namespace: string, count: number): Promise<void> => {
  const names = Array.from({ length: count }, (_, index) => `b-${String(index)}`);
  const worker = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop())
      await client.create(edgeBuilds, build(namespace, name, 0));
  };
  await Promise.all(Array.from({ length: 10 }, worker));
};

const when = async (is: () => boolean): Promise<void> => {
  while (!is()) await pause(10);
};

const isCurrent = ({ metadata, status }: Build): boolean =>
  status?.observedGeneration === metadata.generation;

/** Follows a namespace beside the contender: the same load for each of them. */
const observe = async (client: Client, namespace: string) => {
  const stop = new AbortController();
  const builds = createStore<Build>(client, edgeBuilds, { fieldManager: 'none', namespace });
  const maps = createStore<KubeObject>(client, configMaps, { fieldManager: 'none', namespace });
  const running = Promise.all([builds.run(stop.signal), maps.run(stop.signal)]);
  await Promise.all([builds.settled(stop.signal), maps.settled(stop.signal)]);
  return {
    builds,
    maps,
    end: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
};

const converged = async (builds: Store<Build>, maps: Store<KubeObject>, count: number): Promise<void> => {
  await when(() => maps.list().length >= 3 * count && builds.list().filter(isCurrent).length === count);
};

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((one, other) => one - other)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ] ?? NaN;

/** Requests that the API server answered, by the name of who asked, from its audit log. */
const requestsIn = (log: string, namespace: string, agent: RegExp): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const line of log.split('\n').filter((text) => text.includes(`"namespace":"${namespace}"`))) {
    const { verb, userAgent } = JSON.parse(line) as { verb: string; userAgent: string };
    if (agent.test(userAgent)) counts[verb] = (counts[verb] ?? 0) + 1;
  }
  return counts;
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const residentKiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);

/** The resident memory once it has not grown by more than 1 % in 5 s. */
const settledMemory = async (pid: number): Promise<number> => {
  for (let before = 0; ;) {
    const now = residentKiB(pid);
    if (Math.abs(now - before) < before / 100) return now / 1024;
    before = now;
    await pause(5000);
  }
};

const plane = await startControlPlane({ audit: true });
const connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }), 'bench');
const client = createClient({ connection, fieldManager: 'bench' });
await plane.kubectl(['apply', '-f', join(root, 'crds')]);
await plane.kubectl(['wait', '--for=condition=Established', 'crd/edgebuilds.edgebuild.io']);
const namespaceFor = async (name: string): Promise<string> => {
  await plane.kubectl(['create', 'namespace', name]);
  return name;
};

/** From the start of the process to the last status, in milliseconds. */
const convergence = async (who: Contender, round: number): Promise<number> => {
  const namespace = await namespaceFor(`converge-${who}-${String(round)}`);
  await fill(client, namespace, convergeCount);
  const seen = await observe(client, namespace);
  const began = performance.now();
  const contender = start(plane, who, namespace, convergeCount);
  await converged(seen.builds, seen.maps, convergeCount);
  const took = performance.now() - began;
  await contender.end();
  await seen.end();
  if (round === 1 && who === 'node') {
    const calls = requestsIn(readFileSync(plane.auditLog, 'utf8'), namespace, /^edgebuild/);
    const perObject = Object.values(calls).reduce((sum, one) => sum + one, 0) / convergeCount;
    say(`node: API calls per object to converge: ${perObject.toFixed(2)}`);
  }
  return took;
};

const measureConvergence = async (): Promise<void> => {
  const times: Record<Contender, number[]> = { raw: [], node: [], go: [] };
  for (let round = 1; round <= pairs; round += 1)
    for (const who of ['raw', 'node', 'go'] as const) {
      times[who].push(await convergence(who, round));
      say(`round ${String(round)}, ${who}: ${((times[who].at(-1) ?? NaN) / 1000).toFixed(1)} s`);
    }
  const ratios = (of: Contender): number[] =>
    times.node.map((node, index) => node / (times[of][index] ?? NaN));
  for (const who of ['raw', 'node', 'go'] as const)
    say(
      `converge ${String(convergeCount)} ${who}: ${times[who].map((ms) => (ms / 1000).toFixed(1)).join(' ')} s`,
    );
  for (const who of ['raw', 'go'] as const)
    say(
      `converge node / ${who}: median ${median(ratios(who)).toFixed(2)} (${ratios(who)
        .map((one) => one.toFixed(2))
        .join(' ')})`,
    );
};

const measureMemory = async (): Promise<void> => {
  for (const count of memoryCounts) {
    const namespace = await namespaceFor(`memory-${String(count)}`);
    await fill(client, namespace, count);
    const seen = await observe(client, namespace);
    const first = start(plane, 'node', namespace, count);
    await converged(seen.builds, seen.maps, count);
    await first.end();
    await seen.end();
    const taken: string[] = [];
    for (const who of ['node', 'go'] as const) {
      const contender = start(plane, who, namespace, count);
      taken.push(`${who} ${(await settledMemory(contender.pid)).toFixed(0)} MiB`);
      await contender.end();
    }
    say(`memory with ${String(count)} objects and ${String(3 * count)} children: ${taken.join(', ')}`);
  }
};

/** A namespace full of objects with children, made by the raw generator. */
const filled = async (name: string, count: number): Promise<string> => {
  const namespace = await namespaceFor(name);
  await fill(client, namespace, count);
  const seen = await observe(client, namespace);
  const raw = start(plane, 'raw', namespace, count);
  await converged(seen.builds, seen.maps, count);
  await raw.end();
  await seen.end();
  return namespace;
};

const measureLatency = async (): Promise<void> => {
  const namespace = await filled('latency', watchedCount);
  for (const who of ['node', 'go'] as const) {
    const contender = start(plane, who, namespace, watchedCount);
    await settledMemory(contender.pid);
    const seen = await observe(client, namespace);
    const waiting = new Map<string, number>();
    const took: number[] = [];
    seen.maps.onChange((change) => {
      if (change.type !== 'updated') return;
      const owner = change.object.metadata.ownerReferences?.[0]?.name ?? '';
      const since = waiting.get(owner);
      if (since === undefined) return;
      waiting.delete(owner);
      took.push(performance.now() - since);
    });
    for (let index = 0; index < 300; index += 1) {
      const name = `b-${String((index * 37) % watchedCount)}`;
      waiting.set(name, performance.now());
      await client.apply(edgeBuilds, build(namespace, name, index + (who === 'go' ? 10_000 : 1)));
      await pause(40);
    }
    await when(() => waiting.size === 0);
    say(
      `event to first write, ${String(watchedCount)} watched, ${who}: p50 ${percentile(took, 0.5).toFixed(0)} ms, p99 ${percentile(took, 0.99).toFixed(0)} ms`,
    );
    await seen.end();
    await contender.end();
  }
};

const measureRest = async (): Promise<void> => {
  const namespace = await filled('rest', watchedCount);
  const contender = start(plane, 'node', namespace, watchedCount);
  const before = await settledMemory(contender.pid);
  const from = readFileSync(plane.auditLog, 'utf8').length;
  await pause(restSeconds * 1000);
  const calls = requestsIn(readFileSync(plane.auditLog, 'utf8').slice(from), namespace, /^edgebuild/);
  say(
    `at rest with ${String(watchedCount)} objects for ${String(restSeconds)} s: requests ${JSON.stringify(calls)}; memory ${before.toFixed(0)} MiB, then ${(residentKiB(contender.pid) / 1024).toFixed(0)} MiB`,
  );
  await contender.end();
};

try {
  if (isAsked('converge')) await measureConvergence();
  if (isAsked('memory')) await measureMemory();
  if (isAsked('latency')) await measureLatency();
  if (isAsked('rest')) await measureRest();
} finally {
  await connection.close();
  await plane.stop();
}
