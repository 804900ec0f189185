import { DockerfileError } from './error.ts';
import type { Need } from './features.ts';
import { shown, type Lines } from './lines.ts';
import type { Reference } from './references.ts';
import type { Scope } from './scope.ts';
import { stageMeant, type Draft } from './stages.ts';
import type { BaseImage } from './types.ts';
import { expand } from './words.ts';

/** `used` is written at the end, when every stage has been read. */
type ImageDraft = Omit<BaseImage, 'used'> & { used: boolean };

export type Found = 'scratch' | { readonly stage: number } | { readonly image: ImageDraft };

/** Why buildah, up to 1.41.0, takes a stage that is named in this way for an image: it counts as needed by no other. */
const overlooked = (reference: Reference, value: string, meant: Draft): string | undefined => {
  const { use, text } = reference;
  const { name } = meant.from;
  if (text.includes('$')) return `a stage named by a variable, ${shown(text)}`;
  if (!/^\d+$/.test(value))
    return name === value ? undefined : `stage ${shown(name ?? '')} named in another case, ${shown(text)}`;
  return use === 'RUN --mount=from' && name !== undefined
    ? `stage ${shown(name)} mounted by its number`
    : undefined;
};

/** Finds what references mean, and collects the images among them and what they need of a builder. */
export const resolver = (
  { escape, lineAt }: Lines,
  stages: readonly Draft[],
  names: ReadonlyMap<string, number>,
) => {
  const images: ImageDraft[] = [];
  const needs: Need[] = [];

  const valueOf = (reference: Reference, scope: Scope, line: number): string => {
    const value = expand(reference.text, scope.lookup, escape);
    if (typeof value === 'string' && value.trim() !== '') return value;
    const problem = typeof value === 'string' ? 'it is empty' : value.problem;
    const what = `${reference.use} ${shown(reference.text)}`;
    throw new DockerfileError(line, `${what} cannot be resolved: ${problem}; ${scope.remedy}`);
  };

  /** Throws DockerfileError. `platform` is that of the stage. */
  const resolve = (reference: Reference, stage: Draft, scope: Scope, platform: string): Found => {
    const { use, pieces } = reference;
    const range = { start: pieces[0]?.start ?? 0, end: pieces.at(-1)?.end ?? 0 };
    const line = lineAt(range.start);
    const value = valueOf(reference, scope, line);
    if (value === 'scratch') return 'scratch';
    const meant = stageMeant(value, { use, stage, line }, stages, names);
    if (meant !== undefined) {
      const feature = overlooked(reference, value, meant);
      if (feature !== undefined) needs.push({ feature, line });
      stage.needed.add(meant.index);
      return { stage: meant.index };
    }
    const name = stage.from.name === undefined ? {} : { name: stage.from.name };
    const where = { index: stage.index, ...name };
    const image = { text: value, use, platform, stage: where, line, range, pieces, used: false };
    images.push(image);
    return { image };
  };

  return { images, needs, resolve };
};
