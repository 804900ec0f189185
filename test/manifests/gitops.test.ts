/** What Argo CD and Flux say of our objects, by real interpreters of their languages. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { celEnv, type CelInput, parse, plan } from '@bufbuild/cel';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { statusOf } from '../../src/edgebuild/status.ts';
import { arbitraryFacts, now } from '../edgebuild/facts.ts';
import { type Health, runHealthScripts } from './lua.ts';
import { type Standing, standings } from './standings.ts';

jest.setTimeout(60_000);

const gitops = join(import.meta.dirname, '../../manifests/gitops');
const read = (path: string): string => readFileSync(join(gitops, path), 'utf8');
const scripts = { EdgeBuild: read('argocd/edgebuild.lua'), NodeEmulation: read('argocd/nodeemulation.lua') };

describe('Argo CD', () => {
  let said: readonly Health[];
  beforeAll(async () => {
    said = await runHealthScripts(standings.map(({ object }) => ({ script: scripts[object.kind], object })));
  });

  test.each(standings.map((row, at) => ({ ...row, at })))('sees $title: $argocd', ({ argocd, message, at }) => {
    expect(said[at]).toEqual({ status: argocd, message });
  }); // prettier-ignore

  test('gets the scripts as they stand in their files, by both ways', () => {
    const { data } = load(read('argocd/argocd-cm.yaml')) as { data: Record<string, string> };
    expect(data).toEqual({
      'resource.customizations.health.edgebuild.io_EdgeBuild': scripts.EdgeBuild,
      'resource.customizations.health.edgebuild.io_NodeEmulation': scripts.NodeEmulation,
    });
    const { spec } = load(read('argocd/openshift-gitops.yaml')) as { spec: object };
    expect(spec).toEqual({
      resourceHealthChecks: Object.entries(scripts).map(([kind, check]) => ({
        ...{ group: 'edgebuild.io', kind, check },
      })),
    });
  });
});

interface Expressions {
  readonly apiVersion: string;
  readonly kind: string;
  readonly inProgress: string;
  readonly failed: string;
  readonly current: string;
}

const { healthCheckExprs } = (
  load(read('flux/health-checks.yaml')) as { spec: { healthCheckExprs: readonly Expressions[] } }
).spec;

const environment = celEnv();
const evaluate = (expression: string, object: object): boolean => {
  const result = plan(
    environment,
    parse(expression),
  )(Object.fromEntries(Object.entries(object).map(([key, value]) => [key, celInput(value)])));
  if (result instanceof Error) throw result;
  if (typeof result !== 'boolean') throw new Error(`no boolean: ${JSON.stringify(result)}`);
  return result;
};

/** Objects are maps in CEL. */
const celInput = (value: unknown): CelInput => {
  if (Array.isArray(value)) return value.map(celInput);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([key, field]) => [key, celInput(field)]));
  return value as string;
};

/**
 * In Flux's order [fluxcd/pkg, runtime/cel/status_evaluator.go]. Where an object has no status at all, Flux's interpreter ends
 * with an error and this one does not: Flux waits then, as it does for what is in progress.
 */
const fluxSays = ({ object }: Pick<Standing, 'object'>): Standing['flux'] | 'Error' => {
  const found = healthCheckExprs.find(({ kind }) => kind === object.kind);
  if (found === undefined) return 'Error';
  try {
    if (evaluate(found.inProgress, object)) return 'InProgress';
    if (evaluate(found.failed, object)) return 'Failed';
    return evaluate(found.current, object) ? 'Current' : 'InProgress';
  } catch {
    return 'Error';
  }
};

test('whatever an EdgeBuild says, both see the same, and what is Healthy is Ready', async () => {
  const objects = fc.sample(arbitraryFacts, 300).map((facts) => ({
    ...({ kind: 'EdgeBuild', metadata: { name: 'web', generation: facts.generation } } as const),
    status: statusOf(facts, undefined, now),
  }));
  const health = await runHealthScripts(objects.map((object) => ({ script: scripts.EdgeBuild, object })));
  const flux = { Healthy: 'Current', Suspended: 'Current', Progressing: 'InProgress', Degraded: 'Failed' };
  for (const [at, object] of objects.entries()) {
    const argocd = health[at]?.status as keyof typeof flux;
    const ready = object.status.conditions?.find(({ type }) => type === 'Ready');
    expect({ object, flux: fluxSays({ object }) }).toEqual({ object, flux: flux[argocd] });
    expect({ object, isHealthy: argocd === 'Healthy' }).toEqual({
      object,
      isHealthy: ready?.status === 'True',
    });
  }
});

describe('Flux', () => {
  test.each(standings)('sees $title: $flux', (row) => {
    expect(fluxSays(row)).toBe(row.flux);
  });

  test('is told of both kinds, each of the version that is served', () => {
    expect(healthCheckExprs.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      'edgebuild.io/v1alpha1 EdgeBuild',
      'edgebuild.io/v1alpha1 NodeEmulation',
    ]);
  });
});
