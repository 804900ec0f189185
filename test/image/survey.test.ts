import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platformOf } from '../../src/api/platforms.ts';
import { ImageError } from '../../src/image/errors.ts';
import { nameOf } from '../../src/image/names.ts';
import { resolve } from '../../src/image/resolve.ts';
import { surveyImage } from '../../src/image/survey.ts';
import type { Directory, Node } from '../../src/image/nodes.ts';
import { elfFile, pax, tar, type Member } from '../support/images.ts';
import { layerFrom, surveyOf } from '../support/surveys.ts';

const file = (name: string | Buffer, body = 'x'): Member => ({ name, body });
const directory = (name: string): Member => ({ name, type: '5' });
const link = (name: string, target: string): Member => ({ name, type: '2', link: target });
const hard = (name: string, target: string): Member => ({ name, type: '1', link: target });

/** All paths that are there, directories without their slash. */
const pathsOf = (root: Directory): readonly string[] => {
  const paths: string[] = [];
  const walk = (node: Node, path: string): void => {
    if (node.kind !== 'directory') return;
    for (const [name, child] of node.children ?? []) {
      paths.push(`${path}${name}`);
      walk(child, `${path}${name}/`);
    }
  };
  walk(root, '');
  return paths.sort();
};

const to = (root: Directory, path: string, cwd?: string): string => {
  const found = resolve(root, nameOf(path), cwd);
  return found.state === 'found' ? found.path : `${found.state} ${found.at}`;
};

describe('the files of an image', () => {
  test.each<[string, Member[][], string[]]>([
    ['a layer adds to those below', [[file('a')], [file('b')]], ['a', 'b']],
    ['a whiteout hides a file below', [[file('d/a'), file('d/b')], [file('d/.wh.a')]], ['d', 'd/b']],
    ['a whiteout hides a whole directory below', [[file('d/a'), file('d/e/f')], [file('.wh.d')]], []],
    ['a whiteout spares its own layer, before it', [[file('a')], [file('a'), file('.wh.a')]], ['a']],
    ['a whiteout spares its own layer, after it', [[file('a')], [file('.wh.a'), file('a')]], ['a']],
    [
      'a whiteout and a new directory make it anew',
      [[file('d/old')], [file('.wh.d'), file('d/new')]],
      ['d', 'd/new'],
    ],
    [
      'an opaque directory hides what is below',
      [[file('d/old/x')], [file('d/new'), file('d/.wh..wh..opq')]],
      ['d', 'd/new'],
    ],
    [
      'an opaque root hides all',
      [
        [file('a'), file('d/b')],
        [file('.wh..wh..opq'), file('c')],
      ],
      ['c'],
    ],
    ['a file replaces a directory', [[file('d/a')], [file('d')]], ['d']],
    ['a directory replaces a file', [[file('d')], [file('d/a')]], ['d', 'd/a']],
    [
      'a directory replaces a link',
      [[directory('usr/bin'), link('bin', 'usr/bin')], [file('bin/sh')]],
      ['bin', 'bin/sh', 'usr', 'usr/bin'],
    ],
    [
      'a link of the same layer is followed',
      [[directory('usr/bin'), link('bin', 'usr/bin'), file('bin/sh')]],
      ['bin', 'usr', 'usr/bin', 'usr/bin/sh'],
    ],
    ['the later of two entries holds', [[file('a'), directory('a'), file('a/b')]], ['a', 'a/b']],
    [
      'AUFS’s own names are left out',
      [[file('.wh..wh.plnk/x'), file('.wh..wh.aufs'), file('a')]],
      ['.wh..wh.plnk', '.wh..wh.plnk/x', 'a'],
    ],
    [
      'names out of the root are held below it',
      [[file('../../etc/passwd'), file('/abs/x'), file('a/../../b')]],
      ['abs', 'abs/x', 'b', 'etc', 'etc/passwd'],
    ],
    ['a whiteout of .. hides nothing', [[file('d/a')], [file('d/.wh...')]], ['d', 'd/a']],
    ['a whiteout leaves a lower file of a like name', [[file('a'), file('ab')], [file('.wh.a')]], ['ab']],
  ])('%s', async (_, layers, expected) => {
    expect(pathsOf((await surveyOf(...layers)).root)).toEqual(expected);
  });

  test('names out of the root are counted', async () => {
    expect((await surveyOf([file('../x'), file('/y'), file('z')])).outside).toBe(1);
  });

  test.each<[string, Member[][], string, string]>([
    ['an absolute link stays in the image', [[file('etc/real'), link('l', '/etc/real')]], '/l', '/etc/real'],
    [
      'an absolute link of a directory begins at the root',
      [[file('etc/real'), link('a/b/l', '/etc/real')]],
      '/a/b/l',
      '/etc/real',
    ],
    ['a relative link begins at its directory', [[file('a/real'), link('a/l', 'real')]], '/a/l', '/a/real'],
    ['.. of the root is the root', [[file('real'), link('l', '../../../real')]], '/l', '/real'],
    ['a loop is a loop', [[link('a', 'b'), link('b', 'a')]], '/a', 'loop /a'],
    ['a link to itself is a loop', [[link('a', 'a/a/a')]], '/a', 'loop /a'],
    ['a file is not a directory', [[file('a')]], '/a/b', 'notDirectory /a'],
    ['a missing name is named', [[directory('a')]], '/a/b/c', 'missing /a/b'],
    ['upper and lower case differ', [[file('Sh')]], '/sh', 'missing /sh'],
    [
      'a link over layers finds the upper file',
      [[link('l', 'x'), file('x')], [file('x', 'new')]],
      '/l',
      '/x',
    ],
    ['a hard link of a lower file is found', [[file('x')], [hard('y', 'x')]], '/y', '/y'],
    [
      'a hard link through a directory link is found',
      [[directory('usr'), link('u', 'usr'), file('usr/x'), hard('y', 'u/x')]],
      '/y',
      '/y',
    ],
    ['a hard link to nothing is missing', [[hard('y', 'x')]], '/y', 'missing /y'],
    ['a hard link outlives its target', [[file('x'), hard('y', 'x')], [file('.wh.x')]], '/y', '/y'],
    ['the root is the root', [[file('x')]], '/', '/'],
    ['a name not in UTF-8 is itself', [[link('l', 'grüße'), file('grüße')]], '/l', `/${nameOf('grüße')}`],
  ])('%s', async (_, layers, path, expected) => {
    const { root } = await surveyOf(...layers);
    expect(to(root, path)).toBe(expected);
  });

  test('a chain of 40 links is followed, one of 41 is not', async () => {
    const chain = Array.from({ length: 41 }, (_, i) => link(`l${i}`, `l${i + 1}`));
    const { root } = await surveyOf([...chain, file('l41')]);
    expect([to(root, '/l1'), to(root, '/l0')]).toEqual(['/l41', 'loop /l40']);
  });

  test('a circle of links in the way of an entry is an error', async () => {
    await expect(surveyOf([link('a', 'b'), link('b', 'a'), file('a/x')])).rejects.toMatchObject({
      code: 'Corrupt',
    });
  });

  test('an index beyond its limit is refused', async () => {
    const layers = [layerFrom(tar(Array.from({ length: 1000 }, (_, i) => file(`file-${i}`))))];
    await expect(surveyImage({ reference: 'test', layers }, { indexLimit: 50_000 })).rejects.toMatchObject({
      code: 'TooLarge',
    });
  });

  test('an aborted survey ends with the reason', async () => {
    const reason = new Error('enough');
    const work = surveyImage(
      { reference: 'test', layers: [layerFrom(tar([file('a')]))] },
      { signal: AbortSignal.abort(reason) },
    );
    await expect(work).rejects.toBe(reason);
  });

  const program = elfFile(platformOf('linux/arm64').elf, { interpreter: '/lib/ld.so' });
  const far = elfFile(platformOf('linux/arm64').elf, {
    interpreter: '/lib/far.so',
    headersAt: 50_000,
    interpreterAt: 300_000,
  });
  const late = elfFile(platformOf('linux/arm64').elf, { interpreter: '/lib/late.so', interpreterAt: 90_000 });
  const back = elfFile(platformOf('linux/arm64').elf, {
    interpreter: '/lib/back.so',
    headersAt: 50_000,
    interpreterAt: 10_000,
  });
  const straddling = elfFile(platformOf('linux/arm64').elf, {
    interpreter: '/lib/edge.so',
    headersAt: 4000,
    interpreterAt: 4500,
  });
  test.each([
    ['near', program, { state: 'path', path: '/lib/ld.so' }],
    ['far from the head, as patchelf leaves it', far, { state: 'path', path: '/lib/far.so' }],
    ['behind the program headers', late, { state: 'path', path: '/lib/late.so' }],
    ['over the edge of the head', straddling, { state: 'path', path: '/lib/edge.so' }],
    ['before program headers that are far away', back, { state: 'unknown' }],
  ])('an interpreter %s is read from the stream', async (_, body, expected) => {
    for (const chunk of [100, 5000, 1_000_000]) {
      const survey = await surveyImage({
        reference: 'test',
        layers: [layerFrom(tar([{ name: 'p', body }, file('q')]), chunk)],
      });
      expect(survey.root.children?.get('p')).toMatchObject({ kind: 'elf', elf: { interpreter: expected } });
    }
  });

  test('a program stored sparse is still told as one', async () => {
    const stored = Buffer.concat([program, Buffer.alloc(4096 - program.length)]);
    const map = Buffer.from(`2\n0\n4096\n1000000\n0\n`);
    const body = Buffer.concat([map, Buffer.alloc(512 - map.length), stored]);
    const records = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'p' };
    const { root } = await surveyOf([pax(records), { name: 'GNUSparseFile.0/p', body }]);
    expect(root.children?.get('p')).toMatchObject({ kind: 'elf', elf: { machine: 183 } });
  });

  test('any layers of odd names end in a survey or in an ImageError', async () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', 'l', '..', '.', '', '.wh.a', '.wh..wh..opq', '.wh..', '\xff'), {
        maxLength: 5,
      })
      .map((parts) => parts.join('/'));
    const any = fc.record({ name, type: fc.constantFrom('0', '1', '2', '3', '5', '6', 'Z'), link: name });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(any, { maxLength: 12 }), { maxLength: 3 }), async (layers) => {
        try {
          const { root } = await surveyOf(...layers);
          for (const path of ['/a/b', '/l/a', '/b/../../a']) to(root, path);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
