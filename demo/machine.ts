import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const handlers = '/proc/sys/fs/binfmt_misc';

/** Everything that this machine's own binfmt_misc says, byte for byte: one text, equal when nothing has changed. */
export const handlersOfThisMachine = async (): Promise<string> => {
  const names = (await readdir(handlers).catch(() => [])).filter((name) => name !== 'register').sort();
  const entries = await Promise.all(
    names.map(async (name) => `${name}:\n${await readFile(join(handlers, name), 'utf8')}`),
  );
  return entries.join('\n');
};

/** For people: "no handlers", "3 handlers: a, b, c". */
export const inWords = (text: string): string => {
  const names = [...text.matchAll(/^(.+):$/gm)].map((found) => found[1]).filter((name) => name !== 'status');
  if (text === '') return 'not mounted, no handlers';
  return names.length === 0 ? 'no handlers' : `${names.length} handlers: ${names.join(', ')}`;
};
