import { describe, expect, test } from '@jest/globals';
import { endingOf } from '../../src/cli/exit.ts';
import { EnvironmentError } from '../../src/engines/environment-error.ts';
import { ImageError } from '../../src/image/errors.ts';
import { InputError } from '../../src/api/errors.ts';

const named = (name: string, more: object = {}): Error => Object.assign(new Error('text'), { name, ...more });

describe('how the program ends', () => {
  test.each([
    ['wrong input', new InputError('text'), 2, 'error: text'],
    [
      'a machine that lacks something',
      new EnvironmentError('no buildah', 'apt-get install buildah'),
      3,
      'error: no buildah\nto mend it: apt-get install buildah',
    ],
    ['two things wrong, a line each', new InputError('one\ntwo'), 2, 'error: one\nerror: two'],
    ['an unreadable image', new ImageError('Truncated', 'a.tar: ends early'), 1, 'error: a.tar: ends early'],
    [
      'no program to read an image with',
      new ImageError('ProgramMissing', 'no skopeo'),
      3,
      'error: no skopeo',
    ],
    ['an interruption', named('AbortError'), 130, 'interrupted'],
    ['help that was asked for', named('CommanderError', { exitCode: 0 }), 0, ''],
    ['a wrong flag', named('CommanderError', { exitCode: 1 }), 2, ''],
  ])('%s', (_, error, exit, text) => {
    expect(endingOf(error)).toEqual({ exit, text });
  });

  test('a full disk is a failure, with what to do', () => {
    expect(endingOf(named('Error', { code: 'ENOSPC' }))).toEqual({
      exit: 1,
      text: 'error: text: no space is left: free some, or run edgebuild build --prune',
    });
  });

  test.each([new TypeError('x is not a function'), 'thrown text', undefined, null])(
    'anything else is a bug, and says so: %s',
    (error) => {
      const { exit, text } = endingOf(error);
      expect(exit).toBe(1);
      expect(text).toContain('This is a bug in EdgeBuild');
      if (error instanceof TypeError) expect(text).toContain('exit.test.ts');
    },
  );
});
