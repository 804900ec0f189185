/** docs/security.md names every right that the operator has, each with its verbs, and no other. */
import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { textOf } from './pages.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

/** "get list watch", by resource. */
const rightsIn = (path: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (loadAll(textOf(path)) as Role[])
      .filter(({ kind }) => kind === 'ClusterRole')
      .flatMap(({ rules }) =>
        rules.flatMap(({ resources, verbs }) => resources.map((one) => [one, verbs.join(' ')])),
      ),
  );

/** The table that follows the sentence which names the file. */
const rightsShown = (path: string): Readonly<Record<string, string>> => {
  const [, after = ''] = textOf('docs/security.md').split(`\`${path}\`:`);
  const [table = ''] = /(^\|.*\n)+/m.exec(after) ?? [];
  return Object.fromEntries(
    table
      .split('\n')
      .slice(2, -1)
      .flatMap((row) => {
        const [, what = '', verbs = ''] = row.split('|');
        return [...what.matchAll(/[\w/]+/g)].map(([resource]) => [resource, verbs.trim()]);
      }),
  );
};

describe('the rights of', () => {
  test.each(['manifests/base/cluster-role.yaml', 'manifests/overlays/openshift/builds-role.yaml'])(
    '%s',
    (path) => {
      expect(rightsShown(path)).toEqual(rightsIn(path));
    },
  );
});

test('every policy that the operator is held to is named', () => {
  for (const file of [
    'base/node-policy',
    'overlays/openshift/author-policy',
    'overlays/openshift/workload-policy',
  ])
    for (const { kind, metadata } of loadAll(textOf(`manifests/${file}.yaml`)) as Role[])
      if (kind === 'ValidatingAdmissionPolicy')
        expect(textOf('docs/security.md')).toContain(`\`${metadata.name}\``);
});
