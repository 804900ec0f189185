import { DockerfileError } from './error.ts';
import { shown, type Instruction, type Piece } from './lines.ts';
import { readFlags, splitBlanks, type Flag, type Word } from './words.ts';

export type Use = 'FROM' | 'COPY --from' | 'ADD --from' | 'RUN --mount=from';

/** A text that names a stage or an image, before substitution. */
export interface Reference {
  readonly use: Use;
  /** Still with its variables. */
  readonly text: string;
  /** Where its characters stand in the file, in order; never empty. */
  readonly pieces: readonly Piece[];
}

/** One `FROM [--platform=…] image [AS name]`. */
export interface From {
  readonly base: Reference;
  readonly platform?: string;
  readonly name?: string;
}

/** Adjacent spans of the instruction's text made one, and looked up in the file. */
const piecesOf = (instruction: Instruction, spans: Flag['spans']): Piece[] => {
  const merged: [number, number][] = [];
  for (const [from, to] of spans) {
    const last = merged.at(-1);
    if (last?.[1] === from) last[1] = to;
    else merged.push([from, to]);
  }
  return merged.flatMap(([from, to]) => instruction.pieces(from, to));
};

/** The part of a flag from `start` to `end`, as a reference. */
const within = (instruction: Instruction, use: Use, flag: Flag, start: number, end: number): Reference => {
  if (start >= end)
    throw new DockerfileError(instruction.line, `${use} names nothing; name a stage or an image after from=`);
  return {
    use,
    text: flag.text.slice(start, end),
    pieces: piecesOf(instruction, flag.spans.slice(start, end)),
  };
};

/** The values of `--name=value` among the flags. Throws when one has no `=`. */
const valuesOf = (instruction: Instruction, flags: readonly Flag[], name: string) =>
  flags
    .filter(({ text }) => text === name || text.startsWith(`${name}=`))
    .map((flag) => {
      if (flag.text === name)
        throw new DockerfileError(instruction.line, `${name} needs a value; write ${name}=VALUE`);
      return { flag, start: name.length + 1 };
    });

/** At most one of a flag. */
const valueOf = (instruction: Instruction, flags: readonly Flag[], name: string) => {
  const [first, second] = valuesOf(instruction, flags, name);
  if (second !== undefined)
    throw new DockerfileError(instruction.line, `${instruction.keyword} with ${name} twice; keep one`);
  return first;
};

/** `from=` of a `--mount=type=bind,from=image,target=/x`. */
const mountReferences = (instruction: Instruction, flag: Flag, start: number): Reference[] => {
  const found: Reference[] = [];
  for (let at = start; at <= flag.text.length;) {
    const comma = flag.text.indexOf(',', at);
    const end = comma === -1 ? flag.text.length : comma;
    const key = /from=/iy;
    key.lastIndex = at;
    if (key.test(flag.text))
      found.push(within(instruction, 'RUN --mount=from', flag, at + 'from='.length, end));
    at = end + 1;
  }
  return found;
};

/** The stages and images that an instruction of a stage takes files from. Throws DockerfileError. */
export const fileReferences = (instruction: Instruction, flags: readonly Flag[]): Reference[] => {
  switch (instruction.keyword) {
    case 'COPY':
    case 'ADD': {
      const from = valueOf(instruction, flags, '--from');
      const use = instruction.keyword === 'COPY' ? 'COPY --from' : 'ADD --from';
      return from === undefined
        ? []
        : [within(instruction, use, from.flag, from.start, from.flag.text.length)];
    }
    case 'RUN':
      return valuesOf(instruction, flags, '--mount').flatMap(({ flag, start }) =>
        mountReferences(instruction, flag, start),
      );
    default:
      return [];
  }
};

const stageName = (instruction: Instruction, word: Word): string => {
  // BuildKit's rule for names; `scratch` could never be told from the empty image.
  if (/^[a-z][a-z0-9_.-]*$/i.test(word.text) && word.text.toLowerCase() !== 'scratch') return word.text;
  throw new DockerfileError(
    instruction.line,
    `${shown(word.text)} cannot be a stage's name; use letters, digits, "_", "." and "-", a letter first, and not "scratch"`,
  );
};

/** Reads a FROM. Throws DockerfileError. */
export const readFrom = (instruction: Instruction): From => {
  const { flags, rest } = readFlags(instruction.text, instruction.argumentsAt);
  const platform = valueOf(instruction, flags, '--platform');
  const other = flags.find(({ text }) => !text.startsWith('--platform='));
  if (other !== undefined) {
    throw new DockerfileError(
      instruction.line,
      `FROM ${shown(other.text)} is not known; the only flag of FROM is --platform=`,
    );
  }
  const [image, as, name, more] = splitBlanks(instruction.text, rest);
  if (image === undefined)
    throw new DockerfileError(instruction.line, 'FROM names no image; write FROM IMAGE [AS NAME]');
  if (more !== undefined || (as !== undefined && (name === undefined || as.text.toUpperCase() !== 'AS'))) {
    throw new DockerfileError(
      instruction.line,
      `FROM takes an image, or an image, AS and a name; ${shown(instruction.text.slice(rest))} is more or less than that`,
    );
  }
  return {
    base: {
      use: 'FROM',
      text: image.text,
      pieces: piecesOf(instruction, [[image.at, image.at + image.text.length]]),
    },
    ...(platform === undefined ? {} : { platform: platform.flag.text.slice(platform.start) }),
    ...(name === undefined ? {} : { name: stageName(instruction, name) }),
  };
};

/** The instruction that ONBUILD keeps for later. Throws DockerfileError. */
export const triggerOf = (instruction: Instruction): Instruction => {
  const word = splitBlanks(instruction.text, instruction.argumentsAt)[0];
  const keyword = word?.text.toUpperCase() ?? '';
  if (word === undefined || ['', 'ONBUILD', 'FROM', 'MAINTAINER'].includes(keyword)) {
    throw new DockerfileError(
      instruction.line,
      `ONBUILD ${keyword} is not possible; name another instruction`,
    );
  }
  const end = word.at + word.text.length;
  const blanks = /\s*/y;
  blanks.lastIndex = end;
  return { ...instruction, keyword, argumentsAt: end + (blanks.exec(instruction.text)?.[0].length ?? 0) };
};
