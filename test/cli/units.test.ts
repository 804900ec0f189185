import { expect, test } from '@jest/globals';
import { age, byteSize, duration, shortDigest } from '../../src/cli/units.ts';

test.each([
  [0, '0s'],
  [0.6, '1s'],
  [59.6, '1m00s'],
  [162, '2m42s'],
  [3599.7, '1h00m'],
  [3725, '1h02m'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_999, '1.0 MB'],
  [214_300_000, '214.3 MB'],
  [2_100_000_000, '2.1 GB'],
  [5e15, '5000.0 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(byteSize(bytes)).toBe(text);
});

test.each([
  [-3, '0s'],
  [0.9, '0s'],
  [119, '119s'],
  [120, '2m'],
  [7199, '119m'],
  [7200, '2h'],
  [172_799, '47h'],
  [172_800, '2d'],
])('%d seconds ago is %s', (seconds, text) => {
  expect(age(seconds)).toBe(text);
});

test('a digest is shown as podman shows it', () => {
  expect(shortDigest(`sha256:0123456789abcdef${'0'.repeat(48)}`)).toBe('sha256:0123456789ab');
});
