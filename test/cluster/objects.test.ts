/** The table of good and bad EdgeBuilds, replayed on a real API server that has the CRD as it ships. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { type Connection, openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { rules } from '../../src/api/rules.ts';
import { type ObjectCase, objectCases } from '../api/objects.ts';
import { until } from '../support/until.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

const crds = join(import.meta.dirname, '../../crds');
const crdFile = readdirSync(crds).find((name) => name.endsWith('_edgebuilds.yaml')) ?? '';
const crdName = 'edgebuilds.edgebuild.io';

let plane: ControlPlane;
let connection: Connection;
/** What the server said of each row, in the table's order. */
let verdicts: readonly (readonly string[])[];

beforeAll(async () => {
  plane = await startControlPlane();
  connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }));
  await kubectl('apply', '-k', crds);
  await kubectl('wait', '--for=condition=Established', `crd/${crdName}`, '--timeout=60s');
  await kubectl('create', 'namespace', 'team-1');
  await until(isServed, Boolean, 60_000);
  verdicts = await Promise.all(objectCases.map(({ object }) => verdictOn(object)));
}, 180_000);

afterAll(async () => {
  await connection.close();
  await plane.stop();
});

const kubectl = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await plane.kubectl(args);
  expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
  return stdout;
};

const listPath = '/apis/edgebuild.io/v1alpha1/namespaces/default/edgebuilds';

/** Established says that the name is accepted; the handler itself comes a moment later. */
const isServed = async (): Promise<boolean> => {
  const answer = await connection.send({ method: 'GET', path: listPath, words: 'list', silenceMs: 30_000 });
  await answer.body.text();
  return answer.code === 200;
};

interface Status {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

/** What nobody can create, because only servers write it. It is no part of what the table is about. */
const withoutServed = (object: unknown): unknown => {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return object;
  if (typeof object.metadata !== 'object' || object.metadata === null) return object;
  const {
    resourceVersion: _rv,
    managedFields: _fields,
    ...metadata
  } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
};

/** Beside faults of form the server says that it stopped there. That is no fault of its own. */
const isNote = (text: string): boolean => text.includes('some validation rules were not checked');

/** `path: message`, sorted, as the table has it; nothing for an object that was taken. */
const verdictOn = async (object: unknown): Promise<readonly string[]> => {
  const { namespace } = (object as { metadata?: { namespace?: string } } | null)?.metadata ?? {};
  const path = typeof namespace === 'string' ? listPath.replace('default', namespace) : listPath;
  const answer = await connection.send({
    ...{
      method: 'POST',
      path: `${path}?dryRun=All&fieldValidation=Strict`,
      words: 'create',
      silenceMs: 60_000,
    },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(withoutServed(object)),
  });
  const status = JSON.parse(await answer.body.text()) as Status;
  if (answer.code < 300) return [];
  const { message = '', details } = status;
  if (details?.causes !== undefined)
    return details.causes
      .map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`)
      .filter((text) => !isNote(text))
      .sort();
  const strict = /strict decoding error: (.*)$/s.exec(message)?.[1];
  return strict === undefined ? [`${answer.code}: ${message}`] : strict.split(', ').sort();
};

/** A namespace of such a name cannot be made, so what is in it is refused before anybody reads it. */
const notFound = new Map([['a namespace that is no label', ['404: namespaces "a.b" not found']]]);

const indexOf = (row: ObjectCase): number => objectCases.indexOf(row);

describe('an API server says of an object what this program says of it', () => {
  test.each(objectCases)('$title', (row) => {
    expect(verdicts[indexOf(row)]).toEqual(row.cluster ?? notFound.get(row.title) ?? row.errors);
  });
});

/** Labels' keys follow in brackets where a rule is about each of them. */
const isAt = (text: string, path: string): boolean =>
  text.replaceAll(/\[[^\]]*\]/g, '').startsWith(path.replaceAll('[]', ''));

describe('an API server has refused something by each rule, with its own message', () => {
  test.each(rules)('$path: $problem', ({ path, problem }) => {
    const says = (text: string): boolean =>
      problem.split(/"?\{self\}"?/).every((part) => text.includes(part));
    expect(verdicts.flat().filter((text) => isAt(text, path) && says(text))).not.toEqual([]);
  });
});

test('the schema is structural, and nothing of it is left unpublished', async () => {
  const text = await kubectl('get', 'crd', crdName, '-o', 'json');
  const { status } = JSON.parse(text) as { status: { conditions: { type: string; status: string }[] } };
  expect(status.conditions.map((condition) => `${condition.type} ${condition.status}`).sort()).toEqual([
    'Established True',
    'NamesAccepted True',
  ]);
});

test('kubectl explain answers with the field’s own words', async () => {
  const explained = await kubectl('explain', 'edgebuild.spec.platforms');
  expect(explained.replaceAll(/\s+/g, ' ')).toContain(descriptionOfPlatforms());
});

const descriptionOfPlatforms = (): string => {
  interface Schema {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
  }
  const crd = load(readFileSync(join(crds, crdFile), 'utf8')) as {
    readonly spec: {
      readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
    };
  };
  const found = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec']?.properties?.['platforms'];
  return found?.description ?? 'no description';
};
