import { expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { listOf, objectText } from '../../src/cli/objects.ts';

const shared = ['x'];
const one = { kind: 'EdgeBuild', message: 'C1: \u009b31m', a: shared, b: shared };

test('one object is printed as itself', () => {
  expect(JSON.parse(objectText(one, 'json'))).toEqual(one);
  expect(load(objectText(one, 'yaml'))).toEqual(one);
});

test('several objects are printed as a v1 List', () => {
  const list = { apiVersion: 'v1', kind: 'List', items: [one, one] };
  expect(JSON.parse(objectText(listOf([one, one]), 'json'))).toEqual(list);
  expect(load(objectText(listOf([one, one]), 'yaml'))).toEqual(list);
});

test('neither format holds a bare C1 control character, nor YAML an anchor', () => {
  for (const format of ['json', 'yaml'] as const)
    expect(objectText(listOf([one, one]), format)).not.toMatch(/[\u007f-\u009f]/);
  expect(objectText(listOf([one, one]), 'yaml')).not.toContain('&ref');
});
