/** What a real API server says of NodeEmulations, with the CRD as it ships. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { emulatedNames } from '../../src/api/architecture-names.ts';
import { nodeEmulationSpecSchema } from '../../src/api/node-emulation.ts';
import { until } from '../support/until.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

let plane: ControlPlane;

const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
  const { exitCode, stdout, stderr } = await plane.kubectl(args, input === undefined ? {} : { input });
  return exitCode === 0 ? stdout : stderr;
};

const create = (spec: object, name = 'cluster'): Promise<string> =>
  kubectl(
    ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
    JSON.stringify({ apiVersion: 'edgebuild.io/v1alpha1', kind: 'NodeEmulation', metadata: { name }, spec }),
  );

beforeAll(async () => {
  plane = await startControlPlane();
  await kubectl(['apply', '-k', join(import.meta.dirname, '../../crds')]);
  // Established says that the name is accepted; the handler itself comes a moment later.
  await until(
    () => kubectl(['get', 'nodeemulations']),
    (text) => text.includes('No resources found') || text === '',
    60_000,
  );
}, 180_000);

afterAll(async () => {
  await plane.stop();
});

test('one without any field has every default, and the schema of the operator reads it', async () => {
  const { spec } = JSON.parse(await create({})) as { readonly spec: unknown };
  expect(spec).toEqual({
    ...{ managementState: 'Managed', architectures: [], nodeSelector: {}, tolerations: [] },
    ...{ image: '', credentials: false, foreignHandlers: 'Adopt', resources: {} },
  });
  expect(nodeEmulationSpecSchema.parse(spec)).toEqual(spec);
});

test('one with every field is taken, and the schema of the operator reads it', async () => {
  const spec = {
    ...{ managementState: 'Unmanaged', architectures: [...emulatedNames] },
    nodeSelector: { 'node-role.kubernetes.io/build': '' },
    tolerations: [
      { key: 'build', operator: 'Equal', value: 'only', effect: 'NoSchedule' },
      { operator: 'Exists' },
    ],
    image: `quay.io/acme/agent:1@sha256:${'0'.repeat(64)}`,
    ...{ credentials: true, foreignHandlers: 'Refuse' },
    resources: { requests: { cpu: '5m', memory: '16Mi' }, limits: { memory: '0.5Gi' } },
  };
  expect((JSON.parse(await create(spec)) as { readonly spec: unknown }).spec).toEqual(spec);
  expect(nodeEmulationSpecSchema.parse(spec)).toEqual(spec);
});

describe('is refused, with words that say what to do', () => {
  test.each([
    [
      'another name',
      {},
      'other',
      'there is one NodeEmulation, for the nodes are shared by all: name it cluster',
    ],
    [
      'an unknown architecture',
      { architectures: ['aarch64'] },
      'cluster',
      'spec.architectures[0]: Unsupported value',
    ],
    [
      'an architecture twice',
      { architectures: ['arm64', 'arm64'] },
      'cluster',
      'spec.architectures[1]: Duplicate',
    ],
    [
      'an unknown state',
      { managementState: 'Off' },
      'cluster',
      'supported values: "Managed", "Unmanaged", "Removed"',
    ],
    [
      'an image that is none',
      { image: 'Not An Image' },
      'cluster',
      'image "Not An Image" is no image reference',
    ],
    [
      'a resource that is no quantity',
      { resources: { limits: { memory: 'much' } } },
      'cluster',
      'limits.memory',
    ],
    ['what an EdgeBuild has', { source: {} }, 'cluster', 'unknown field "spec.source"'],
  ])('%s', async (_what, spec, name, words) => {
    expect(await create(spec, name)).toContain(words);
  });
});

test('kubectl explains its fields', async () => {
  expect(await kubectl(['explain', 'nodeemulation.spec.managementState'])).toContain(
    'what was registered is taken away',
  );
  expect(await kubectl(['explain', 'ne.status.problems.reason'])).toContain('in one word for programs');
});
