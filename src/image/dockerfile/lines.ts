import { DockerfileError } from './error.ts';
import { splitWords } from './words.ts';

/*
 * Why this is not dockerfile-ast 0.7.1 [run]: it is a language server's parser and accepts everything. It misses the
 * heredoc in `RUN 0<<EOF`, so that a FROM in its body becomes a stage; it takes an unterminated heredoc silently;
 * it has no offset for the parts of a word that goes over a continuation; it knows neither `${X-d}` nor quotes.
 * What follows is the line reader that BuildKit and buildah share (moby/buildkit frontend/dockerfile/parser,
 * openshift/imagebuilder dockerfile/parser), with the place of every character kept.
 */

/** One instruction with its continuation lines joined. */
export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** The joined text, comments and continuations taken out. */
  readonly text: string;
  /** Where the arguments begin in `text`: at no blank, or at its end. */
  readonly argumentsAt: number;
  readonly line: number;
  readonly heredocs: readonly string[];
  /** The parts of the file that `text[from, to)` came from, in order: one for each line it is on. */
  readonly pieces: (from: number, to: number) => Piece[];
}

/** A half-open range of offsets (UTF-16 units) in the Dockerfile's text. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

export interface Lines {
  readonly escape: string;
  /** Lines of `# escape=` directives that follow another directive. */
  readonly lateEscape: readonly number[];
  readonly instructions: readonly Instruction[];
  /** The 1-based line of an offset. */
  readonly lineAt: (offset: number) => number;
}

const keywords = new Set(
  (
    'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER ' +
    'VOLUME WORKDIR'
  ).split(' '),
);

/** The last index whose value is at most `wanted`; `values` ascend and begin at or below it. */
const lastAtMost = (values: readonly number[], wanted: number): number => {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((values[middle] ?? 0) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
};

const lineStarts = (text: string): number[] => {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
};

/** The line without its continuation mark, or undefined when it has none. `\\` at the end counts too, as in buildah. */
const continued = (line: string, escape: string): string | undefined => {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  return line[end - 1] === escape ? line.slice(0, end - 1) : undefined;
};

/** The joined text of one instruction and the way back from it to the file. */
const joiner = () => {
  const parts: string[] = [];
  const joinedAt: number[] = [];
  const fileAt: number[] = [];
  let length = 0;
  return {
    add: (part: string, offset: number): void => {
      if (part === '') return;
      parts.push(part);
      joinedAt.push(length);
      fileAt.push(offset);
      length += part.length;
    },
    text: (): string => parts.join(''),
    pieces: (from: number, to: number): Piece[] => {
      const found: Piece[] = [];
      for (let at = from; at < to;) {
        const part = lastAtMost(joinedAt, at);
        const next = Math.min(to, joinedAt[part + 1] ?? length);
        const start = (fileAt[part] ?? 0) + at - (joinedAt[part] ?? 0);
        found.push({ start, end: start + next - at });
        at = next;
      }
      return found;
    },
  };
};

/**
 * The words that open heredocs in an instruction, in order: `<<EOF`, `<<-EOF`, `3<<"EOF"`. BuildKit splits the line
 * as a shell would, quotes kept, and finds none when a quote stays open.
 */
const heredocsOf = (text: string): { word: string; name: string; chomp: boolean }[] => {
  if (!text.includes('<<')) return [];
  return (splitWords(text, '\\') ?? []).flatMap(({ text: word }) => {
    const match = /^\d*<<(-?)([^<]*)$/.exec(word);
    const name = (match?.[2] ?? '').replace(/\\(.)|["']/gs, '$1');
    if (match === null || name === '') return [];
    return [{ word, name, chomp: match[1] === '-' }];
  });
};

const bodyTakers = new Set(['ADD', 'COPY', 'RUN', 'ONBUILD']);

const directive = /^#\s*([a-z][a-z0-9]*)\s*=\s*(\S.*)$/i;

/** The parser directives: the first lines, as long as each is one. Shape and names: Docker's reference, "Parser directives". */
const readDirectives = (lineOf: (index: number) => string, count: number) => {
  const seen = new Set<string>();
  const lateEscape: number[] = [];
  let escape = '\\';
  for (let index = 0; index < count; index++) {
    const match = directive.exec(lineOf(index).trim());
    const key = match?.[1]?.toLowerCase() ?? '';
    if (!['escape', 'syntax', 'check'].includes(key)) break;
    if (seen.has(key)) throw new DockerfileError(index + 1, `a second # ${key}= directive; keep one`);
    if (key === 'escape') {
      escape = match?.[2] ?? '';
      if (escape !== '\\' && escape !== '`') {
        throw new DockerfileError(index + 1, `# escape=${escape} is not possible; use \\ or \``);
      }
      if (seen.size > 0) lateEscape.push(index + 1);
    }
    seen.add(key);
  }
  return { escape, lateEscape };
};

/** Splits a Dockerfile into instructions. Linear in the text. Throws DockerfileError. */
export const readLines = (text: string): Lines => {
  const starts = lineStarts(text);
  const byteOrderMark = text.startsWith('\uFEFF') ? 1 : 0;
  const startOf = (index: number): number => (index === 0 ? byteOrderMark : (starts[index] ?? text.length));
  const lineOf = (index: number): string => {
    const end = index + 1 < starts.length ? (starts[index + 1] ?? 0) - 1 : text.length;
    return text.slice(startOf(index), text[end - 1] === '\r' && end > startOf(index) ? end - 1 : end);
  };
  const { escape, lateEscape } = readDirectives(lineOf, starts.length);
  const instructions: Instruction[] = [];

  let index = 0;
  while (index < starts.length) {
    const line = index + 1;
    const joined = joiner();
    for (let first = true; index < starts.length; first = false) {
      const content = lineOf(index);
      const offset = startOf(index++);
      const bare = content.trimStart();
      if (bare === '' || bare.startsWith('#')) {
        // Inside an instruction, comments and empty lines are passed over and the instruction goes on.
        if (first) break;
        continue;
      }
      const start = first ? offset + content.length - bare.length : offset;
      const visible = first ? bare : content;
      const before = continued(visible, escape);
      joined.add(before ?? visible, start);
      if (before === undefined) break;
    }
    const joinedText = joined.text();
    if (joinedText.trim() === '') continue;

    const instruction = joinedText.trimEnd();
    const keyword = /^\s*([^\s]+)/.exec(instruction)?.[0] ?? '';
    const rest = instruction.slice(keyword.length);
    const name = keyword.trim().toUpperCase();
    if (!keywords.has(name)) {
      throw new DockerfileError(
        line,
        `unknown instruction ${shown(name)}; correct it, or end the line before it with ${escape}`,
      );
    }
    const heredocs = bodyTakers.has(name) ? heredocsOf(instruction) : [];
    for (const heredoc of heredocs) {
      for (;;) {
        if (index >= starts.length) {
          throw new DockerfileError(
            line,
            `the heredoc ${shown(heredoc.word)} does not end; add a line ${shown(heredoc.name)}`,
          );
        }
        const body = lineOf(index++);
        if ((heredoc.chomp ? body.replace(/^\t+/, '') : body) === heredoc.name) break;
      }
    }
    instructions.push({
      keyword: name,
      text: instruction,
      argumentsAt: instruction.length - rest.trimStart().length,
      line,
      heredocs: heredocs.map(({ word }) => word),
      pieces: joined.pieces,
    });
  }
  return { escape, lateEscape, instructions, lineAt: (offset) => lastAtMost(starts, offset) + 1 };
};

/** Foreign text in a message: short, and without control characters. */
export const shown = (text: string): string => {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return `"${short.replace(/\p{C}/gu, '?')}"`;
};
