/** A word of an instruction. `at` is where it begins in the instruction's text. */
export interface Word {
  readonly text: string;
  readonly at: number;
}

/** A flag's text with its quotes and escapes taken out, and the span of the instruction's text each character came from. */
export interface Flag {
  readonly text: string;
  readonly spans: readonly (readonly [from: number, to: number])[];
}

const isBlank = (character: string | undefined): boolean => character !== undefined && /\s/.test(character);

/**
 * Splits at blanks as a shell would: quotes and escapes hold a word together and stay in it.
 * Undefined when a quote stays open. (BuildKit: parser/line_parsers.go parseWords.)
 */
export const splitWords = (text: string, escape: string, from = 0): Word[] | undefined => {
  const words: Word[] = [];
  let start = -1;
  let quote = '';
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' && isBlank(character)) {
      if (start !== -1) words.push({ text: text.slice(start, at), at: start });
      start = -1;
      continue;
    }
    if (start === -1) start = at;
    if (character === escape && quote !== "'") at++;
    else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
  }
  if (quote !== '') return undefined;
  if (start !== -1) words.push({ text: text.slice(start), at: start });
  return words;
};

/** Splits at blanks, whatever the quotes: how FROM is read. */
export const splitBlanks = (text: string, from: number): Word[] =>
  [...text.slice(from).matchAll(/\S+/g)].map((match) => ({ text: match[0], at: from + match.index }));

/**
 * The flags an instruction begins with, and where its arguments begin after them. Always `\` here, whatever the escape
 * directive says (parser/split_command.go extractBuilderFlags in BuildKit and imagebuilder).
 */
export const readFlags = (text: string, from: number): { flags: Flag[]; rest: number } => {
  const flags: Flag[] = [];
  let at = from;
  for (;;) {
    while (isBlank(text[at])) at++;
    if (!text.startsWith('--', at)) return { flags, rest: at };
    const characters: string[] = [];
    const spans: [number, number][] = [];
    let quote = '';
    while (at < text.length && (quote !== '' || !isBlank(text[at]))) {
      const start = at;
      let character = text[at++] ?? '';
      if (character === quote) {
        quote = '';
        continue;
      }
      if (quote === '' && (character === '"' || character === "'")) {
        quote = character;
        continue;
      }
      if (character === '\\') {
        if (at >= text.length) break;
        character = text[at++] ?? '';
      }
      characters.push(character);
      spans.push([start, at]);
    }
    // `--` alone ends the flags.
    if (characters.length === 2) return { flags, rest: at };
    flags.push({ text: characters.join(''), spans });
  }
};

/** A word whose variables cannot be put in, and why. */
export interface Unexpanded {
  readonly problem: string;
}

/** What a variable holds. */
export type Value = string | Unexpanded | undefined;

/** Values longer than this are no image names: they end in a problem, so that `ARG B=$A$A` in a row stays linear. */
const longest = 65_536;
const deepest = 100;

/**
 * A word with its variables put in and its quotes and escapes taken out: `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:+d}`,
 * `${X+d}`, nested. A variable without a value and without a default is a problem, not an empty text: where the
 * word names an image, a hole in the name is never meant. (Rules: moby/buildkit frontend/dockerfile/shell/lex.go.)
 *
 * `lookup` answers a value; undefined when there is no such variable; Unexpanded when it has none, and why.
 */
export const expand = (
  word: string,
  lookup: (name: string) => Value,
  escape: string,
): string | Unexpanded => {
  let at = 0;
  let problem: string | undefined;
  const fail = (reason: string): '' => {
    problem ??= reason;
    at = word.length;
    return '';
  };

  const plain = (name: string, value: Value, wanted: boolean): string => {
    if (typeof value === 'string') return value;
    return wanted ? fail(value?.problem ?? `$${name} is not declared`) : '';
  };

  const variable = (wanted: boolean, depth: number): string => {
    at++;
    const braces = word[at] === '{';
    if (braces) at++;
    const name = /[A-Za-z_][A-Za-z0-9_]*|\d/y;
    name.lastIndex = at;
    const found = name.exec(word)?.[0] ?? '';
    at += found.length;
    if (!braces) {
      if (found === '') return '$';
      return plain(found, lookup(found), wanted);
    }
    if (found === '') return fail('a ${ without a name');
    const value = lookup(found);
    if (word[at] === '}') {
      at++;
      return plain(found, value, wanted);
    }
    const colon = word[at] === ':';
    if (colon) at++;
    const operator = word[at++];
    if (operator !== '-' && operator !== '+')
      return fail('of ${ } only ${X}, ${X:-default} and ${X:+text} are known here');
    const present = typeof value === 'string' && !(colon && value === '');
    // What is not taken is read all the same, for its end, but a variable without a value in it does no harm.
    const alternative = until('}', wanted && present === (operator === '+'), depth + 1);
    if (operator === '-') return present ? value : alternative;
    return present ? alternative : '';
  };

  const until = (end: string, wanted: boolean, depth: number): string => {
    if (depth > deepest) return fail('its ${ } are nested too deeply');
    let out = '';
    let quoted = false;
    while (at < word.length) {
      const character = word[at] ?? '';
      if (character === end && !quoted) {
        at++;
        return out;
      }
      if (character === '"') {
        quoted = !quoted;
        at++;
      } else if (character === "'" && !quoted) {
        const close = word.indexOf("'", at + 1);
        if (close === -1) return fail('a quote stays open');
        out += word.slice(at + 1, close);
        at = close + 1;
      } else if (character === '$') {
        out += variable(wanted, depth);
      } else if (character === escape) {
        const next = word[at + 1] ?? '';
        // Between double quotes an escape counts only where it can mean something.
        out += quoted && !['"', '$', escape, ''].includes(next) ? escape + next : next;
        at += 2;
      } else {
        out += character;
        at++;
      }
      if (out.length > longest) return fail('it is too long');
    }
    if (problem === undefined && quoted) return fail('a quote stays open');
    if (problem === undefined && end !== '') return fail('a ${ stays open');
    return out;
  };

  const text = until('', true, 0);
  return problem === undefined ? text : { problem };
};
