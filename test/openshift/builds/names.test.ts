import { expect, test } from '@jest/globals';
import { labelValue, nameOf, podNameOf, volumeNameOf } from './names.ts';

test('a name that is short enough is joined with a dash', () => {
  expect(podNameOf('app-1')).toBe('app-1-build');
  expect(podNameOf('a'.repeat(247))).toBe(`${'a'.repeat(247)}-build`);
});

// Test vector of FNV-1a, 32 bits (draft-eastlake-fnv): "foobar" is bf9cf968.
test('a longer one is cut, and its hash stands for what was cut off', () => {
  expect(nameOf('foobar', 'x', 13)).toBe('foobar-x');
  expect(nameOf('foobar', 'long', 15)).toBe('foobar-long');
  expect(nameOf('foobar', 'build', 15)).toBe('foobar-build'.slice(0, 12));
  expect(nameOf('foobarfoobar', 'x', 13)).toMatch(/^fo-[0-9a-f]{8}-x$/);
  expect(nameOf('foobar', 'b', 7)).toMatch(/^[0-9a-f-]{7}$/);
  expect(nameOf('foobar', 'bar', 9)).toHaveLength(9);
  const long = podNameOf('a'.repeat(300));
  expect(long).toHaveLength(253);
  expect(long).toMatch(/^a{238}-[0-9a-f]{8}-build$/);
});

test('labels are cut at 63 characters, names of volumes are labels without dots', () => {
  expect(labelValue('a'.repeat(64))).toBe('a'.repeat(63));
  expect(volumeNameOf('registry.example.org', 'push')).toBe('registry-example-org-push');
});
