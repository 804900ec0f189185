import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { eachLine, tail } from '../../../src/engines/local/lines.ts';

const linesOf = async (...chunks: readonly (string | Buffer)[]): Promise<string[]> => {
  const lines: string[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  await eachLine(stream, (line) => {
    lines.push(line);
  });
  return lines;
};

describe('the lines of a stream', () => {
  test.each<[string, readonly (string | Buffer)[], readonly string[]]>([
    ['several in a chunk', ['a\nb\n'], ['a', 'b']],
    ['one in several chunks', ['a', 'b', 'c\n'], ['abc']],
    ['a last one without its end', ['a\nb'], ['a', 'b']],
    ['empty ones', ['\n\n'], ['', '']],
    ['ends of Windows', ['a\r\nb\r\n'], ['a', 'b']],
    ['a progress bar', ['1%\r2%\r3%\n'], ['1%', '2%', '3%']],
    ['a character cut in two', [Buffer.from([0xc3]), Buffer.from([0xa4, 0x0a])], ['ä']],
    ['bytes that are no text', [Buffer.from([0xff, 0x0a])], ['\ufffd']],
    ['nothing', [], []],
  ])('%s', async (_, chunks, expected) => {
    expect(await linesOf(...chunks)).toEqual(expected);
  });

  test('are told in order, each after the one before was taken', async () => {
    const told: string[] = [];
    await eachLine(Readable.from([Buffer.from('a\nb\n')]), async (line) => {
      told.push(`${line} begins`);
      await new Promise(setImmediate);
      told.push(`${line} ends`);
    });
    expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('of a stream that is not there are none', async () => {
    await expect(eachLine(null, () => undefined)).resolves.toBeUndefined();
  });

  test('are cut, so that a program that never ends its line fills no memory', async () => {
    const chunk = 'x'.repeat(1 << 20);
    const lines = await linesOf(...Array.from({ length: 64 }, () => chunk), '\nshort\n');
    expect(lines.map(({ length }) => length)).toEqual([4096, 5]);
  });

  test('do not depend on how the bytes came', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ä', '\n') });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (given, size) => {
        const bytes = Buffer.from(given);
        const chunks = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        expect(await linesOf(...chunks)).toEqual(given === '' ? [] : given.replace(/\n$/, '').split('\n'));
      }),
    );
  });
});

test('a tail keeps the last lines that say something', () => {
  const last = tail(2);
  for (const line of ['a', '', 'b', '   ', 'c']) last.add(line);
  expect(last.lines()).toEqual(['b', 'c']);
});
