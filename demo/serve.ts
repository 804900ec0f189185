import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elfInWords } from './elf-words.ts';
import { buildahOf, type Place, type Watch } from './place.ts';

/** What was seen of an image while its program ran. */
export interface Sight {
  /** The image's ENTRYPOINT and CMD. */
  readonly command: string;
  /** HTTP status of the page. */
  readonly status: string;
  readonly title: string;
  /** What `uname -m` answered in the image. */
  readonly machine: string;
  readonly processes: readonly SeenProcess[];
  /** Programs that the processes run, by path, each as what its ELF header says. */
  readonly programs: ReadonlyMap<string, string>;
}

export interface SeenProcess {
  readonly pid: string;
  /** What /proc/PID/exe points at: the emulator. */
  readonly executable: string;
  /** The emulator's command line: itself, the program's path, the program's own arguments from argv[0] on. */
  readonly commandLine: string;
}

/**
 * Starts an image in a sandbox with a network of its own, fetches a page from it, looks at its processes, ends it.
 * What the image itself prints is told as lines.
 */
export const serveImage = async (
  place: Place,
  archive: string,
  port: number,
  { signal, onLine }: Watch,
): Promise<Sight> => {
  const { workspace, platform } = place;
  const buildah = buildahOf(place);
  const script = await readFile(join(import.meta.dirname, 'serve.sh'), 'utf8');
  const facts = new Map<string, string>();
  const processes: SeenProcess[] = [];
  const programs = new Map<string, string>();

  const note = (line: string): void => {
    const [word = '', ...rest] = line.split(' ');
    const value = rest.join(' ');
    if (word === 'process') {
      const [pid = '', executable = '', ...commandLine] = rest;
      processes.push({ pid, executable, commandLine: commandLine.join(' ') });
    } else if (word === 'program') {
      programs.set(rest[0] ?? '', elfInWords(Buffer.from(rest[1] ?? '', 'base64')));
    } else if (['command', 'status', 'title', 'machine'].includes(word)) {
      facts.set(word, value);
    } else {
      onLine(line);
    }
  };

  const status = await workspace.run(
    {
      command: [
        ...(['unshare', '--net', 'bash', '-c', script, 'serve.sh', String(port)] as const),
        ...buildah.command,
      ],
      environment: buildah.environment,
      stdin: createReadStream(archive),
      signal,
      onLine: note,
    },
    [platform],
  );
  if (status !== 0) throw new Error(`the image did not serve a page (status ${status}): see above`);
  const fact = (name: string): string => facts.get(name) ?? '';
  return {
    command: fact('command'),
    status: fact('status'),
    title: fact('title'),
    machine: fact('machine'),
    processes,
    programs,
  };
};
