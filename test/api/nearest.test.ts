import { expect, test } from '@jest/globals';
import { nearest } from '../../src/api/nearest.ts';

const known = [
  'source',
  'platforms',
  'execution',
  'baseImages',
  'buildArgs',
  'output',
  'verify',
  'retry',
  'publish',
];

test.each([
  ['platfroms', 'platforms'],
  ['platform', 'platforms'],
  ['Platforms', 'platforms'],
  ['buildargs', 'buildArgs'],
  ['baseimage', 'baseImages'],
  ['ouput', 'output'],
  ['sources', 'source'],
  ['env', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('who writes %s means %s', (name, meant) => {
  expect(nearest(name, known)).toBe(meant);
});
