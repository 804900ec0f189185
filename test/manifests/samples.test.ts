/** The samples: each is rendered, and is taken by a real API server, as is what it becomes. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { edgebuild } from '../cli/edgebuild.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { startOpenShift } from '../openshift/stand-in.ts';
import { until } from '../support/until.ts';

jest.setTimeout(300_000);

const root = join(import.meta.dirname, '../..');
const samples = join(root, 'manifests/samples');
const files = readdirSync(samples).filter((name) => name.endsWith('.yaml'));
const textOf = (file: string): string => readFileSync(join(samples, file), 'utf8');
const objectIn = (file: string) =>
  load(textOf(file)) as { kind: string; metadata: { name: string }; spec: object };
const edgeBuildFiles = files.filter((file) => objectIn(file).kind === 'EdgeBuild');
const render = (file: string) => edgebuild(samples, ['render', '-n', 'team-1', '-f', file]);

let plane: ControlPlane;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  closers.push(plane.stop);
  // Nothing is imported or built here: the registry is none.
  const openShift = await startOpenShift({
    ...{ kubeconfig: plane.kubeconfig, certificates: plane.certificates },
    ...{ registry: '127.0.0.1:1', buildsRun: false },
  });
  closers.push(openShift.close);
  await kubectl('apply', '-k', join(root, 'crds'));
  await kubectl('create', 'namespace', 'team-1');
  // A kind is served a moment after its CRD was taken.
  const served = () => plane.kubectl(['get', 'edgebuilds,nodeemulations', '-A']);
  await until(served, ({ exitCode }) => exitCode === 0, 60_000);
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const kubectl = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await plane.kubectl(args);
  expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
  return stdout;
};

test('there is one for each use', () => {
  expect(files).toEqual([
    ...['deploy.yaml', 'edgebuild.yaml', 'git.yaml', 'nodeemulation.yaml', 'private.yaml'],
    ...['several-platforms.yaml', 'smoke-command.yaml', 'suspended.yaml', 'webhooks.yaml'],
  ]);
});

test('no two have one name, so that all can be applied at once', () => {
  const names = files.map((file) => `${objectIn(file).kind} ${objectIn(file).metadata.name}`);
  expect([...new Set(names)]).toEqual(names);
});

describe('a real API server takes', () => {
  test.each(files)('%s, word by word', async (file) => {
    const inNamespace = objectIn(file).kind === 'EdgeBuild' ? ['-n', 'team-1'] : [];
    const said = await kubectl('apply', '--validate=strict', ...inNamespace, '-f', join(samples, file));
    expect(said).toContain(`/${objectIn(file).metadata.name} created`);
    const stored = await kubectl('get', ...inNamespace, '-f', join(samples, file), '-o', 'json');
    // Beside what was written there are defaults, and nothing that was written is gone.
    expect((JSON.parse(stored) as { spec: object }).spec).toMatchObject(objectIn(file).spec);
  });

  test.each(edgeBuildFiles)('what %s is rendered to', async (file) => {
    const { exitCode, stdout } = await render(file);
    expect(exitCode).toBe(0);
    const kinds = (loadAll(stdout) as { kind: string }[]).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['ImageStream', 'BuildConfig']));
    const applied = await plane.kubectl(['apply', '--server-side', '--validate=strict', '-f', '-'], {
      input: stdout,
    });
    expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
    expect(applied.stdout.trim().split('\n')).toHaveLength(kinds.length);
  });
});

test('their Secrets can be made as their first lines say', async () => {
  const commands = edgeBuildFiles.flatMap((file) =>
    [...textOf(file).matchAll(/^#   oc (create secret .*)$/gm)].map(([, command = '']) => command),
  );
  expect(commands.length).toBeGreaterThan(2);
  for (const command of commands) {
    const words = command.replace(/"\$\(.*\)"/, 'x').split(' ');
    await kubectl(...words, '-n', 'team-1', '--dry-run=server');
  }
});
