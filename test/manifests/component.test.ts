/** The overlay that docs/install.md tells to write, as kustomize renders it. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { loadAll } from 'js-yaml';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterPrograms } from '../cluster/programs.ts';
import { blocksOf, textOf } from '../docs/pages.ts';
import { removeDirectories } from '../support/directories.ts';
import { copyOfManifests, type Manifest, nameOf } from './installation.ts';

jest.setTimeout(120_000);

let plain: readonly Manifest[];
let mine: readonly Manifest[];

beforeAll(async () => {
  const kubectl = join(await clusterPrograms(), 'kubectl');
  const render = async (directory: string): Promise<readonly Manifest[]> =>
    loadAll((await execa(kubectl, ['kustomize', directory])).stdout) as Manifest[];
  const overlays = join(copyOfManifests(), 'overlays');
  const [overlay = ''] = blocksOf(textOf('docs/install.md'), 'yaml');
  mkdirSync(join(overlays, 'mine'));
  writeFileSync(join(overlays, 'mine/kustomization.yaml'), overlay);
  [plain, mine] = await Promise.all([render(join(overlays, 'openshift')), render(join(overlays, 'mine'))]);
});

afterAll(removeDirectories);

test('monitoring is what openshift is, and two objects more', () => {
  const before = new Set(plain.map(nameOf));
  expect(
    mine
      .map(nameOf)
      .filter((name) => !before.has(name))
      .sort(),
  ).toEqual(['PrometheusRule/edgebuild-system/edgebuild', 'ServiceMonitor/edgebuild-system/edgebuild']);
  expect(mine).toEqual(expect.arrayContaining([...plain]));
});

test('the ServiceMonitor finds the Service of metrics by its labels and its port', () => {
  const monitor = mine.find(({ kind }) => kind === 'ServiceMonitor');
  const { selector, endpoints } = monitor?.['spec'] as {
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string }[];
  };
  const services = mine.filter(({ kind, metadata: { labels = {}, namespace } }) => {
    const isNear = namespace === monitor?.metadata.namespace;
    return kind === 'Service' && isNear && Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value); // prettier-ignore
  });
  // The rules know what is read by this name: job is the Service's.
  expect(services.map(({ metadata }) => metadata.name)).toEqual(['edgebuild-metrics']);
  const { ports } = services[0]?.['spec'] as { ports: { name: string }[] };
  expect(ports.map(({ name }) => name)).toEqual(endpoints.map(({ port }) => port));
});
