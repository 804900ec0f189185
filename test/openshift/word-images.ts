import { type ImageRecipe, tar } from '../support/images.ts';

/** Images of an operating system of nothing but a word: each is another. */
export const imageOf = (
  architecture: string,
  word = 'one',
  more: Partial<ImageRecipe> = {},
): ImageRecipe => ({
  ...{ architecture, layers: [tar([{ name: 'word', body: `${architecture} ${word}` }])] },
  listed: { os: 'linux', architecture },
  ...more,
});
