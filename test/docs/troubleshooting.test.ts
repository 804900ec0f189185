/** docs/troubleshooting.md speaks of every reason there is, and of no other. */
import { describe, expect, test } from '@jest/globals';
import { reasons } from '../../src/api/conditions.ts';
import { emulationReasons, problemReasons } from '../../src/api/node-emulation-words.ts';
import { textOf } from './pages.ts';

const page = textOf('docs/troubleshooting.md');

interface Entry {
  readonly chapter: string;
  readonly word: string;
  readonly text: string;
}

const entries: readonly Entry[] = page
  .split(/^## /m)
  .slice(1)
  .flatMap((chapter) => {
    const [title = '', ...sections] = chapter.split(/^### /m);
    return sections.map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      const text = lines.join(' ').replaceAll(/\s+/g, ' ').trim();
      // A word that another chapter has, too, says of what it is.
      return { chapter: title.split('\n')[0] ?? '', word: heading.replace(/ \(.*\)$/, ''), text };
    });
  });

const wordsOf = (isOf: (chapter: string) => boolean): readonly string[] =>
  entries.filter(({ chapter }) => isOf(chapter)).map(({ word }) => word);

describe('the reasons there are, each once, are those', () => {
  test.each([
    ['of an EdgeBuild', reasons, (chapter: string) => chapter.startsWith('EdgeBuild: ')],
    ['of a NodeEmulation', emulationReasons, (chapter: string) => chapter === 'NodeEmulation'],
    ['of nodes', problemReasons, (chapter: string) => chapter === 'Nodes'],
  ])('%s', (_of, words, isOf) => {
    expect([...wordsOf(isOf)].sort()).toEqual(Object.keys(words).sort());
  });
});

test('no reason stands in another chapter', () => {
  const chapters = new Set(entries.map(({ chapter }) => chapter.replace(/^EdgeBuild: .*/, 'EdgeBuild')));
  expect([...chapters]).toEqual(['EdgeBuild', 'NodeEmulation', 'Nodes']);
});

describe('each says what happened', () => {
  test.each(entries)('$word, in $chapter', ({ text }) => {
    expect(text).toMatch(/^\S.{25,}[.`]$/);
  });
});

describe('what a person must see to is more than said: something to look at, or to do, follows', () => {
  const acting = ['EdgeBuild: it waits for a person', 'EdgeBuild: a build has failed', 'Nodes'];
  const rows = entries.filter(({ chapter }) => acting.includes(chapter));
  test.each(rows)('$word, in $chapter', ({ text }) => {
    expect(text.split(/[.:] /).length).toBeGreaterThan(1);
  });
});
