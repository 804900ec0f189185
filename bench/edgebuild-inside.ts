import { createInterface } from 'node:readline';
import * as kinds from '../src/edgebuild/kinds.ts';
import type { StoredEdgeBuild } from '../src/edgebuild/kinds.ts';
import type { Build } from '../src/engines/openshift/types.ts';
import type { KubeObject } from '../src/kube/objects.ts';
import { client, createProjects, openWhole, pushBase } from '../test/edgebuild/whole-site.ts';
import { until } from '../test/support/until.ts';
import { base, baseRecipe, type BoxAnswer, edgeBuildFor } from './edgebuild/whole.ts';

// bench/edgebuild-inside.ts: runs inside of a box, with the whole product on it. Builds an EdgeBuild for each line of its
// standard input, and answers with a line of JSON.
const patience = 1_800_000;
const name = 'web';

/** Not in the types that the product needs of a Build. */
interface Stage {
  readonly name: string;
  readonly startTime?: string;
  readonly durationMilliseconds?: number;
}
type TimedBuild = KubeObject & Build & { readonly status?: { readonly stages?: readonly Stage[] } };

const isReady = ({ status }: StoredEdgeBuild): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
const isStuck = ({ status }: StoredEdgeBuild): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Stalled' && is === 'True') ?? false;

const build = async (word: string): Promise<BoxAnswer> => {
  await createProjects(word);
  const where = { namespace: word, name };
  const began = Date.now();
  await client.apply(kinds.edgeBuilds, {
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: where },
    ...edgeBuildFor(word, base),
  });
  const look = (): Promise<StoredEdgeBuild> => client.get(kinds.edgeBuilds, where);
  const seen = await until(look, (object) => isReady(object) || isStuck(object), patience);
  const ended = Date.now();
  if (!isReady(seen)) throw new Error(`not Ready: ${JSON.stringify(seen.status)}`);
  const made = await client.get<TimedBuild>(kinds.builds, { namespace: word, name: `${name}-arm64-1` });
  return { wholeMs: ended - began, parts: partsOf(made, began, ended) };
};

/** Times of Kubernetes are whole seconds: what is between two of them may be off by one. */
const partsOf = ({ status }: TimedBuild, began: number, ended: number): BoxAnswer['parts'] => {
  const at = (stamp: string | undefined): number => (stamp === undefined ? NaN : Date.parse(stamp));
  const [running, complete] = [at(status?.startTimestamp), at(status?.completionTimestamp)];
  const stages = (status?.stages ?? []).map((stage) => [stage.name, stage.durationMilliseconds ?? NaN] as const);
  const inStages = stages.reduce((sum, [, ms]) => sum + ms, 0);
  return {
    'until its pod is started': running - began,
    ...Object.fromEntries(stages),
    'what else the pod takes': complete - running - inStages,
    'from Complete to Ready': ended - complete,
  };
}; // prettier-ignore

const site = await openWhole();
try {
  await pushBase(base.slice(base.indexOf('/') + 1), baseRecipe);
  process.stdout.write('{}\n');
  for await (const word of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await build(word))}\n`);
} finally {
  await site.close();
}
