import { DockerfileError } from './error.ts';
import { shown, type Instruction } from './lines.ts';
import { readFrom, type From, type Use } from './references.ts';

/** A stage while it is read. */
export interface Draft {
  readonly index: number;
  readonly line: number;
  readonly from: From;
  readonly instructions: Instruction[];
  /** The earlier stages it reads from, by index. */
  readonly needed: Set<number>;
}

/** Cuts the instructions into the ARGs before the first FROM, and stages. Throws DockerfileError. */
export const cutStages = (
  instructions: readonly Instruction[],
): { before: Instruction[]; stages: Draft[] } => {
  const before: Instruction[] = [];
  const stages: Draft[] = [];
  for (const instruction of instructions) {
    const { keyword, line } = instruction;
    const stage = stages.at(-1);
    if (keyword === 'FROM') {
      stages.push({
        index: stages.length,
        line,
        from: readFrom(instruction),
        instructions: [],
        needed: new Set(),
      });
    } else if (stage !== undefined) {
      stage.instructions.push(instruction);
    } else if (keyword === 'ARG') {
      before.push(instruction);
    } else {
      throw new DockerfileError(line, `${keyword} before the first FROM; only ARG may stand there`);
    }
  }
  if (stages.length === 0) throw new DockerfileError(1, 'no FROM; begin with FROM IMAGE, or FROM scratch');
  return { before, stages };
};

/** Lower-case name -> index. Throws DockerfileError. */
export const indexNames = (stages: readonly Draft[]): ReadonlyMap<string, number> => {
  const names = new Map<string, number>();
  for (const { index, line, from } of stages) {
    const name = from.name?.toLowerCase();
    if (name === undefined) continue;
    const first = stages[names.get(name) ?? -1];
    if (first !== undefined) {
      const where = `the stage on line ${first.line}`;
      throw new DockerfileError(line, `${where} is already named ${shown(name)}; give this one another name`);
    }
    names.set(name, index);
  }
  return names;
};

/** The stages that the last one is built from, itself included. */
export const reachable = (stages: readonly Draft[]): ReadonlySet<number> => {
  const found = new Set([stages.length - 1]);
  // The iterator of a set also visits what is added on the way.
  for (const index of found) for (const needed of stages[index]?.needed ?? []) found.add(needed);
  return found;
};

/**
 * The earlier stage that a reference in a stage means; undefined if it means an image. FROM may name an image as its own
 * or a later stage is named (`FROM debian AS debian`); in from= that is an error, as is any number without a stage.
 */
export const stageMeant = (
  value: string,
  at: { use: Use; stage: Draft; line: number },
  stages: readonly Draft[],
  names: ReadonlyMap<string, number>,
): Draft | undefined => {
  const { use, stage, line } = at;
  const isNumber = /^\d+$/.test(value);
  const meant = stages[isNumber ? Number(value) : (names.get(value.toLowerCase()) ?? -1)];
  if (meant === undefined) {
    if (!isNumber) return undefined;
    const last = stages.length - 1;
    throw new DockerfileError(
      line,
      `${use} names stage ${shown(value)}, but the last stage is ${last}; they count from 0`,
    );
  }
  if (use === 'FROM' && isNumber && meant.from.name !== undefined) {
    throw new DockerfileError(
      line,
      `FROM takes a stage that has a name by its name; write FROM ${meant.from.name}`,
    );
  }
  if (meant.index < stage.index) return meant;
  if (use === 'FROM' && !isNumber) return undefined;
  const which = meant.index === stage.index ? 'its own stage' : 'a later stage';
  throw new DockerfileError(line, `${use} names ${which}, ${shown(value)}; name an earlier one`);
};
