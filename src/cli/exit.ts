import { reasons } from '../api/conditions.ts';

/** What the program ends with. */
export const exits = {
  done: 0,
  /** A build or a check failed, or something that it reads cannot be read. */
  failed: 1,
  /** The object or the flags are wrong; found before any work. */
  input: 2,
  /** The machine lacks something; the message has the command that mends it. */
  environment: 3,
  /** 128 + SIGINT, as shells count. */
  interrupted: 130,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** The same, as every `--help` says it. */
export const exitCodes = `
Exit codes:
  0    done
  1    a build or a check failed, or what was asked for is not there
  2    the object or the flags are wrong; nothing was begun
  3    this machine lacks something; the message says how to mend it
  130  interrupted`;

/** How an error ends the program: what a person reads, and the exit code. */
export interface Ending {
  readonly exit: Exit;
  readonly text: string;
}

/**
 * Every error that can reach the top, and its ending: the only such mapping. Errors are told apart by name and code,
 * so that this file loads none of the modules that throw them. What is not known is a bug, and only a bug shows a stack.
 */
export const endingOf = (error: unknown): Ending => {
  if (!isError(error)) return bug(String(error));
  if (error.code === 'ENOSPC') return ending(exits.failed, `${error.message}: ${reasons.DiskFull}`);
  switch (error.name) {
    case 'InputError': // one line an issue
    case 'ImageNameError':
      return ending(exits.input, error.message);
    case 'EnvironmentError':
      return {
        exit: exits.environment,
        text: `error: ${error.message}\nto mend it: ${String(error.remedy)}`,
      };
    case 'ImageError':
      return ending(error.code === 'ProgramMissing' ? exits.environment : exits.failed, error.message);
    case 'AbortError':
      return { exit: exits.interrupted, text: 'interrupted' };
    case 'CommanderError':
      // It has written its own text: help (exit code 0) or what is wrong with the flags.
      return { exit: error.exitCode === 0 ? exits.done : exits.input, text: '' };
    default:
      return bug(error.stack ?? error.message);
  }
};

/** Every line says that it is an error, as commander's do. */
const ending = (exit: Exit, text: string): Ending => ({ exit, text: text.replaceAll(/^/gm, 'error: ') });

interface AnyError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: unknown;
  readonly remedy?: unknown;
  readonly exitCode?: unknown;
}

/** Not `instanceof`: errors of Node's core are of another realm under Jest. */
const isError = (error: unknown): error is AnyError =>
  typeof error === 'object' && error !== null && 'name' in error && 'message' in error;

const bug = (stack: string): Ending => ({
  exit: exits.failed,
  text: `${stack}\nThis is a bug in EdgeBuild. Please report the lines above and the command: CONTRIBUTING.md says where.`,
});
