import { describe, expect, test } from '@jest/globals';
import { firstRange, subordinateRange } from '../../../src/engines/local/subordinate-ids.ts';
import { EnvironmentError } from '../../../src/engines/environment-error.ts';

const anna = { uid: 1000, name: 'anna' };

describe('a user’s first range of 65536 ids in the words of subuid(5)', () => {
  test.each<[string, string, number | undefined]>([
    ['by name', 'bert:100000:65536\nanna:165536:65536\n', 165_536],
    ['by number', '1000:231072:65536', 231_072],
    [
      'the first of several that is large enough',
      'anna:1:10\nanna:300000:65536\nanna:400000:65536\n',
      300_000,
    ],
    ['a larger one', 'anna:524288:1000000\n', 524_288],
    ['not a smaller one', 'anna:100000:65535\n', undefined],
    ['not somebody else’s', 'annabel:100000:65536\n', undefined],
    ['not one that begins with root', 'anna:0:65536\n', undefined],
    ['not a line that is broken', 'anna:x:65536\nanna:100000\n:::\nanna\n', undefined],
    ['with blanks around it', '  anna:100000:65536  \r\n', 100_000],
    ['none in an empty file', '', undefined],
  ])('%s', (_, text, first) => {
    expect(firstRange(text, anna)).toBe(first);
  });
});

describe('the range of whoever builds', () => {
  test('is never root’s own, also when nothing is written down for root', async () => {
    const { uid, gid } = await subordinateRange({ uid: 0, name: 'root' });
    expect(uid).toBeGreaterThanOrEqual(65_536);
    expect(gid).toBeGreaterThanOrEqual(65_536);
  });

  test('must be there for everybody else, and the remedy is the command that gives it', async () => {
    const asked = subordinateRange({ uid: 64_999, name: 'nobody-at-all' });
    await expect(asked).rejects.toBeInstanceOf(EnvironmentError);
    await expect(asked).rejects.toMatchObject({
      message: expect.stringContaining('nobody-at-all has no range of 65536 subordinate ids'),
      remedy: expect.stringMatching(/^sudo usermod --add-subuids .* nobody-at-all$/),
    });
  });
});
