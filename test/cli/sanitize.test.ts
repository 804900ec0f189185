import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { sanitizeLine, sanitizeText } from '../../src/cli/sanitize.ts';

describe('a foreign line made safe', () => {
  test.each([
    ['plain text stays', 'Fetched 12 MB — ärm64 ✓', 'Fetched 12 MB — ärm64 ✓'],
    ['colours go', '\u001b[31mred\u001b[0m', 'red'],
    ['cursor movements and erasing go', 'a\u001b[2J\u001b[Hb', 'ab'],
    ['a window title goes', '\u001b]0;owned\u0007text', 'text'],
    ['a link keeps its text', '\u001b]8;;http://x\u0007text\u001b]8;;\u0007', 'text'],
    ['an escape sequence that never ends is none', 'a\u001b]52;c;', 'a;'],
    ['a lone escape character is shown as unknown', 'a\u001b', 'a\ufffd'],
    ['one-byte CSI of C1', 'a\u009b31mb', 'ab'],
    [
      'other control characters are shown as unknown',
      'a\u0000b\u0008c\u007fd\u0085e',
      'a\ufffdb\ufffdc\ufffdd\ufffde',
    ],
    ['text that would be reordered', 'a\u202eb\u2066c', 'a\ufffdb\ufffdc'],
    ['tabs are blanks', 'a\tb', 'a  b'],
    ['a progress bar shows its last drawing', '10%\r50%\r100%', '100%'],
    ['the line end of Windows goes', 'text\r', 'text'],
    ['blanks at the end go', 'text  ', 'text'],
  ])('%s', (_, line, safe) => {
    expect(sanitizeLine(line)).toBe(safe);
  });

  test('a line without end is cut', () => {
    expect(sanitizeLine('x'.repeat(1_000_000))).toBe(`${'x'.repeat(2000)}…`);
  });

  test('no line holds a control character afterwards', () => {
    const bits = fc.constantFrom(
      '\u001b',
      '[',
      ']',
      '\u009b',
      '\u0007',
      ';',
      '0',
      'm',
      '\r',
      '\t',
      '\u202e',
      '\u0000',
      'a',
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: bits }), fc.string({ unit: 'binary' })), (line) => {
        // eslint's no-control-regex is not among our rules: control characters are the subject here.
        expect(sanitizeLine(line)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });

  test('a text keeps its lines', () => {
    expect(sanitizeText('a\u001b[1m\nb\r\n')).toBe('a\nb\n');
  });
});
