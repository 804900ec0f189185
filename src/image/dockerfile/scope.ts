import type { Platform } from '../../api/platforms.ts';
import { DockerfileError } from './error.ts';
import { shown, type Instruction } from './lines.ts';
import { expand, splitWords, type Value } from './words.ts';

/** The variables that a place in a Dockerfile sees. */
export interface Scope {
  readonly lookup: (name: string) => Value;
  /** Takes an ARG instruction in. Throws DockerfileError. */
  readonly declare: (instruction: Instruction) => void;
  /** Takes an ENV instruction in. */
  readonly setEnvironment: (instruction: Instruction) => void;
  /** What to do about a variable without a value. */
  readonly remedy: string;
}

/** Docker's "Automatic platform ARGs in the global scope". */
const automatic = (prefix: string, platform: Platform): [string, string][] => [
  [`${prefix}PLATFORM`, platform.name],
  [`${prefix}OS`, platform.os],
  [`${prefix}ARCH`, platform.architecture],
  [`${prefix}VARIANT`, platform.variant ?? ''],
];

const assignment = (word: string): { name: string; value?: string } => {
  const equals = word.indexOf('=');
  return equals === -1 ? { name: word } : { name: word.slice(0, equals), value: word.slice(equals + 1) };
};

const argumentsOf = (instruction: Instruction, escape: string) => {
  const words = splitWords(instruction.text, escape, instruction.argumentsAt);
  if (words === undefined)
    throw new DockerfileError(instruction.line, 'ARG with a quote that stays open; close it');
  if (words.length === 0)
    throw new DockerfileError(instruction.line, 'ARG without a name; write ARG NAME or ARG NAME=value');
  return words.map(({ text }) => {
    const argument = assignment(text);
    if (argument.name === '')
      throw new DockerfileError(instruction.line, `ARG ${shown(text)} has no name; write ARG NAME=value`);
    return argument;
  });
};

const withoutValue = (name: string, line: number): Value => ({
  problem: `$${name} (ARG on line ${line}) has no value`,
});

/** What FROM sees: the ARGs before the first FROM, and the automatic ones, which need no ARG there. */
export const globalScope = (
  options: { buildArgs: ReadonlyMap<string, string>; platform: Platform; buildPlatform: Platform },
  escape: string,
): Scope => {
  const { buildArgs } = options;
  const values = new Map<string, Value>(
    [...automatic('TARGET', options.platform), ...automatic('BUILD', options.buildPlatform)].map(
      ([name, value]) => [name, buildArgs.get(name) ?? value],
    ),
  );
  const lookup = (name: string): Value => values.get(name);
  return {
    lookup,
    declare: (instruction) => {
      for (const { name, value } of argumentsOf(instruction, escape)) {
        const given =
          buildArgs.get(name) ?? (value === undefined ? values.get(name) : expand(value, lookup, escape));
        values.set(name, given ?? withoutValue(name, instruction.line));
      }
    },
    setEnvironment: () => undefined,
    remedy:
      'before the first FROM, give it a default (ARG NAME=value), or declare it (ARG NAME) and set it in spec.buildArgs',
  };
};

/**
 * What COPY --from and RUN --mount=from see in a stage: the ARGs declared in it so far. ARG without a default takes
 * the global value. ENV counts only inside the defaults; what the base image's own ENV holds is not known here, so a
 * default that asks for it has no value.
 */
export const stageScope = (global: Scope, buildArgs: ReadonlyMap<string, string>, escape: string): Scope => {
  const values = new Map<string, Value>();
  const environment = new Map<string, Value>();
  const inDefault = (name: string): Value =>
    environment.has(name) ? environment.get(name) : values.get(name);
  return {
    lookup: (name) => {
      // buildah looks --from= up twice, once without ENV: a variable is of use only where both answers are the same.
      if (!environment.has(name) || environment.get(name) === values.get(name)) return values.get(name);
      return { problem: `$${name} is set by ENV, which counts for nothing here` };
    },
    declare: (instruction) => {
      for (const { name, value } of argumentsOf(instruction, escape)) {
        const given =
          buildArgs.get(name) ??
          (value === undefined
            ? (global.lookup(name) ?? values.get(name))
            : expand(value, inDefault, escape));
        values.set(name, given ?? withoutValue(name, instruction.line));
      }
    },
    setEnvironment: ({ text, argumentsAt }) => {
      const words = splitWords(text, escape, argumentsAt) ?? [];
      const first = words[0];
      // `ENV NAME the rest`, the old form, has no `=` in its first word.
      const pairs =
        first === undefined || first.text.includes('=')
          ? words.map((word) => assignment(word.text))
          : [{ name: first.text, value: text.slice(first.at + first.text.length).trim() }];
      const set = pairs.map(({ name, value }) => [name, expand(value ?? '', inDefault, escape)] as const);
      for (const [name, value] of set) environment.set(name, value);
    },
    remedy:
      'in this stage, declare it (ARG NAME=value), or declare it (ARG NAME) and set it in spec.buildArgs',
  };
};
