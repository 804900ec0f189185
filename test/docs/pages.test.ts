/** What pages point to is there, and what they say to write is taken. */
import { describe, expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { validateEdgeBuild } from '../../src/api/validate.ts';
import { blocksOf, pages, root, textOf } from './pages.ts';

/** As GitHub makes them of headings. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

const linksOf = (text: string): readonly string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((to) => !/^https?:/.test(to));

describe('every link leads somewhere', () => {
  test.each(pages)('of %s', (page) => {
    for (const link of linksOf(textOf(page))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      expect({ link, isThere: existsSync(join(root, target)) }).toEqual({ link, isThere: true });
      if (anchor !== undefined) expect(anchorsOf(textOf(target))).toContain(anchor);
    }
  });
});

test('every page of docs/ is in its index, and so are decisions', () => {
  const linked = new Set(linksOf(textOf('docs/README.md')));
  const own = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md');
  const decisions = readdirSync(join(root, 'docs/adr')).map((name) => `adr/${name}`);
  for (const page of [...own, ...decisions]) expect([...linked]).toContain(page);
});

test('every sample is named by the first build', () => {
  for (const sample of readdirSync(join(root, 'manifests/samples')))
    expect(textOf('docs/first-build.md')).toContain(`(../manifests/samples/${sample})`);
});

describe('the YAML of', () => {
  const rows = pages.flatMap((page) => blocksOf(textOf(page), 'yaml').map((text) => ({ page, text })));

  test.each(rows)('$page is YAML, and an EdgeBuild in it is valid', ({ text }) => {
    for (const object of loadAll(text) as { kind?: string; spec?: object }[]) {
      if (object.kind !== undefined && object.kind !== 'EdgeBuild') continue;
      // A part of one is shown as its spec alone.
      const isWhole = object.kind === 'EdgeBuild';
      if (!isWhole && object.spec === undefined) continue;
      const verdict = validateEdgeBuild(isWhole ? object : whole(object.spec ?? {}));
      expect(verdict).not.toHaveProperty('faults');
    }
  });
});

const whole = (spec: object): object => ({
  ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name: 'web' } },
  spec: { source: { dockerfile: 'FROM scratch\n' }, ...spec },
});

test('the first build is the sample that it names', () => {
  const [shown = ''] = blocksOf(textOf('docs/first-build.md'), 'yaml');
  expect(load(shown)).toEqual(load(textOf('manifests/samples/deploy.yaml')));
});
