/** docs/security.md names every right that the operator has, each with its verbs, and no other. */
import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { textOf } from './pages.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** "leases:edgebuild.io | coordination.k8s.io | get update | edgebuild-system", each. */
const rightsIn = (path: string): readonly string[] =>
  (loadAll(textOf(path)) as Role[])
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
    .flatMap(({ metadata: { namespace = 'everywhere' }, rules }) =>
      rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
        apiGroups.flatMap((group) =>
          namesOf(resources, resourceNames).map((what) =>
            [what, group === '' ? 'core' : group, verbs.join(' '), namespace].join(' | '),
          ),
        ),
      ),
    )
    .sort();

const namesOf = (resources: readonly string[], names: readonly string[] | undefined): readonly string[] =>
  names === undefined ? resources : resources.flatMap((one) => names.map((name) => `${one}:${name}`));

/** The table that follows the sentence which names the file. */
const rightsShown = (path: string): readonly string[] => {
  const [, after = ''] = textOf('docs/security.md').split(`\`${path}\`:`);
  const [table = ''] = /(^\|.*\n)+/m.exec(after) ?? [];
  const [head = [], , ...rows] = table
    .trimEnd()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()));
  return rows
    .flatMap((row) => {
      const [what = '', group, verbs, where = 'everywhere'] = ['what', 'API group', 'verbs', 'in'].map(
        (column) => row[head.indexOf(column)],
      );
      return codesIn(what).map((one) => [one, group, verbs, where.replaceAll('`', '')].join(' | '));
    })
    .sort();
};

const codesIn = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

describe('the rights of', () => {
  test.each([
    'manifests/base/cluster-role.yaml',
    'manifests/base/roles.yaml',
    'manifests/overlays/openshift/builds-role.yaml',
  ])('%s', (path) => {
    expect(rightsIn(path).length).toBeGreaterThan(4);
    expect(rightsShown(path)).toEqual(rightsIn(path));
  });
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
