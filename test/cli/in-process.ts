import { endingOf, type Exit } from '../../src/cli/exit.ts';
import { paintWith, type Terminal } from '../../src/cli/terminal.ts';

/** What a command has written and ended with. */
export interface Ended {
  readonly exitCode: Exit;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command in this process: to start one takes longer than most commands. Errors end it as they end the program. */
export const begin = (work: (terminal: Terminal) => Promise<Exit>) => {
  const written = { stdout: '', stderr: '' };
  const terminal: Terminal = {
    ...{ liveLines: false, height: () => 24, paint: paintWith(false), paintProgress: paintWith(false) },
    result: (text) => (written.stdout += `${text.replace(/\n$/, '')}\n`),
    tell: (text) => (written.stderr += `${text}\n`),
    draw: (text) => (written.stderr += text),
  };
  const end = async (): Promise<Ended> => {
    try {
      const exitCode = await work(terminal);
      return { ...written, exitCode };
    } catch (error) {
      const { exit, text } = endingOf(error);
      return { ...written, stderr: `${written.stderr}${text}\n`, exitCode: exit };
    }
  };
  return { said: () => written.stderr, ended: end() };
};
