/**
 * Dockerfiles as OpenShift's builder rewrites them: read leniently, each instruction on one line, and what its parser
 * does not keep (comments, heredocs' bodies, the arguments of instructions that it does not know) is gone.
 */
export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** `--name=value`, those of its beginning. */
  readonly flags: readonly string[];
  /** The arguments, continuation lines joined. */
  readonly rest: string;
}

const keywords = new Set(
  (
    'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER ' +
    'VOLUME WORKDIR'
  ).split(' '),
);

const instructionOf = (line: string): Instruction => {
  const [, word = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(line.trim()) ?? [];
  const keyword = word.toUpperCase();
  if (!keywords.has(keyword)) return { keyword, flags: [], rest: '' };
  const flags: string[] = [];
  let rest = text.trim();
  for (let found = /^--\S+/.exec(rest); found !== null; found = /^--\S+/.exec(rest)) {
    flags.push(found[0]);
    rest = rest.slice(found[0].length).trimStart();
  }
  return { keyword, flags, rest };
};

/** The words that open heredocs, `<<EOF` or `<<-"EOF"`, by what ends them. */
const heredocsOf = ({ keyword, rest }: Instruction): readonly string[] =>
  ['RUN', 'COPY', 'ADD'].includes(keyword)
    ? [...rest.matchAll(/(?:^|\s)\d*<<-?["']?([A-Za-z_]\w*)["']?/g)].map((match) => match[1] ?? '')
    : [];

export const readInstructions = (text: string): readonly Instruction[] => {
  const lines = text.split(/\r?\n/);
  const escape = /^#\s*escape\s*=\s*`/i.test(lines[0] ?? '') ? '`' : '\\';
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    let joined = '';
    for (; at < lines.length; at++) {
      const line = lines[at] ?? '';
      if (line.trim() === '' || line.trimStart().startsWith('#')) {
        if (joined === '') break;
        continue;
      }
      const trimmed = line.replace(/[ \t]+$/, '');
      joined += trimmed.endsWith(escape) ? trimmed.slice(0, -1) : line;
      if (!trimmed.endsWith(escape)) break;
    }
    if (joined.trim() === '') continue;
    const instruction = instructionOf(joined);
    found.push(instruction);
    for (const word of heredocsOf(instruction)) {
      // What was rewritten before has the word, and no body any more.
      const end = lines.findIndex((line, index) => index > at && line.trim() === word);
      if (end !== -1) at = end;
    }
  }
  return found;
};

const lineOf = ({ keyword, flags, rest }: Instruction): string => [keyword, ...flags, rest].join(' ');

export const writeInstructions = (instructions: readonly Instruction[]): string =>
  instructions.map((instruction) => `${lineOf(instruction)}\n`).join('');

/** `FROM image as alias`. */
export interface From {
  readonly image: string;
  readonly alias: string | undefined;
}

export const fromOf = ({ rest }: Instruction): From => {
  const [image = '', as, alias] = rest.split(/\s+/);
  return { image, alias: as?.toUpperCase() === 'AS' ? alias : undefined };
};

export const withFrom = (instruction: Instruction, { image, alias }: From): Instruction => ({
  ...instruction,
  rest: alias === undefined ? image : `${image} as ${alias}`,
});

const from = '--from=';

/** What a COPY takes files from; undefined: the context. */
export const copiesFrom = ({ keyword, flags }: Instruction): string | undefined =>
  keyword === 'COPY' ? flags.find((flag) => flag.startsWith(from))?.slice(from.length) : undefined;

export const withCopyFrom = (instruction: Instruction, source: string): Instruction => ({
  ...instruction,
  flags: instruction.flags.map((flag) => (flag.startsWith(from) ? `${from}${source}` : flag)),
});
