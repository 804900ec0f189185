import { Writable } from 'node:stream';
import winston from 'winston';
import { type Plain, plainOf } from './plain.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

export type Fields = Readonly<Record<string, unknown>>;

/** What the rest of EdgeBuild knows of logging. No call of it ever throws. */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds these fields, as they are now, to every line; those of a call go before them. */
  child(fields: Fields): Logger;
}

export interface LoggerOptions {
  /** Lines of this level and of graver ones are written. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Gets each line, with its line feed. Default: standard error. */
  readonly write?: (line: string) => void;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

interface Line {
  /** RFC 3339, in UTC, with milliseconds. */
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: PlainFields;
}

type PlainFields = Readonly<Record<string, Plain>>;

/**
 * Logs JSON lines `{"time", "level", "message", …fields}`, or lines for people. Secrets are taken out of messages and
 * fields: see redact.ts. A line has been handed to `write` when the call returns, so the last words of a program that
 * exits are not lost; if it cannot be written, it is lost, and the program goes on.
 */
export const createLogger = ({
  level,
  format,
  write = writeToStandardError,
  now = () => new Date(),
}: LoggerOptions): Logger => {
  const render = format === 'json' ? jsonOf : textOf;
  const log = winston.createLogger({
    level,
    levels: Object.fromEntries(logLevels.map((name, rank) => [name, rank])),
    transports: [transportTo(write, render)],
  });

  const loggerWith = (inherited: PlainFields): Logger => {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: Fields): void => {
        try {
          if (!log.isLevelEnabled(level)) return;
          const line: Line = {
            time: now().toISOString(),
            level,
            message: textFrom(plainOf(message)),
            fields: { ...inherited, ...plainFields(fields) },
          };
          log.log({ level, message: '', line });
        } catch {
          // Whatever broke here, what is logged about matters more.
        }
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => loggerWith({ ...inherited, ...plainFields(fields) }),
    };
  };
  return loggerWith({});
};

/** Where winston's transports look for the finished line (its package triple-beam). */
const finished = Symbol.for('message') as unknown as string;

/** The line goes through winston whole, as `line`: it would merge a `message` or `stack` among the fields into its own. */
const transportTo = (write: (line: string) => void, render: (line: Line) => string): winston.transport =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it is one; winston's types say otherwise.
  new winston.transports.Stream({
    eol: '\n',
    format: winston.format((info) => ({ ...info, [finished]: render(info['line'] as Line) }))(),
    stream: new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        try {
          write(line);
        } catch {
          // As at a pipe nobody reads.
        }
        done();
      },
    }),
  });

/** A reader that went away is no reason to stop the work. */
const outliveReader = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
};

const writeToStandardError = (line: string): void => {
  const { stderr } = process;
  if (!stderr.listeners('error').includes(outliveReader)) stderr.on('error', outliveReader);
  stderr.write(line);
};

/** The line's own keys: a field of such a name gets a prefix, as logrus gives it. */
const ownKeys = new Set(['time', 'level', 'message']);

const plainFields = (fields: unknown): PlainFields => {
  if (fields === undefined) return {};
  const plain = plainOf(fields);
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return { fields: plain };
  return Object.fromEntries(
    Object.entries(plain as PlainFields).map(([key, value]) => [
      ownKeys.has(key) ? `fields.${key}` : key,
      value,
    ]),
  );
};

const textFrom = (value: Plain): string => (typeof value === 'string' ? value : JSON.stringify(value));

const jsonOf = ({ time, level, message, fields }: Line): string =>
  JSON.stringify({ time, level, message, ...fields });

/** Controls and what turns the direction of writing: they would draw on a terminal, or make one line look like two. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const shown = (text: string): string =>
  text.replace(unsafe, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** `2026-01-02T03:04:05.678Z INFO  message key=value`, and below it, indented, the stacks of its errors. */
const textOf = ({ time, level, message, fields }: Line): string => {
  const entries = Object.entries(fields);
  const words = entries.map(([key, value]) => `${shown(key)}=${shownValue(value)}`);
  const stacks = entries.flatMap(([, value]) => stacksOf(value));
  const head = [time, level.toUpperCase().padEnd(5), shown(message), ...words].join(' ');
  return [head, ...stacks.map((line) => `    ${shown(line)}`)].join('\n');
};

const shownValue = (value: Plain): string => {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : shown(JSON.stringify(value));
  return shown(JSON.stringify(value, (key, item: unknown) => (key === 'stack' ? undefined : item)));
};

/** The lines of a value's stack and of those of its causes. */
const stacksOf = (value: Plain | undefined): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(stacksOf);
  const { stack, cause, errors } = value as PlainFields;
  const own = typeof stack === 'string' ? stack.split('\n') : [];
  return [...own, ...stacksOf(cause), ...stacksOf(errors)];
};
