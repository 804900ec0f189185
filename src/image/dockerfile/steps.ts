import { readLines } from './lines.ts';

/** The line of each step by stage, both counted from 0: a stage's FROM is its first step, as buildah counts them. */
export const stepLines = (text: string): readonly (readonly number[])[] => {
  const stages: number[][] = [];
  for (const { keyword, line } of readLines(text).instructions) {
    if (keyword === 'FROM') stages.push([]);
    stages.at(-1)?.push(line);
  }
  return stages;
};
