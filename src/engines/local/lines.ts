import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Longest line that is kept, in UTF-16 units; the rest of a longer one is dropped. */
const longest = 4096;

/**
 * Calls back for each line of a stream, in order, and returns at its end. Memory is bounded by one line: what foreign
 * code prints is never collected. Carriage returns end a line too, as progress bars use them.
 */
export const eachLine = async (
  stream: Readable | null,
  onLine: (line: string) => void | Promise<void>,
): Promise<void> => {
  if (stream === null) return;
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of stream) {
      const pieces = (rest + decoder.write(chunk as Buffer)).split(/\r\n|\n|\r/);
      rest = (pieces.pop() ?? '').slice(0, longest);
      for (const line of pieces) await onLine(line.slice(0, longest));
    }
  } catch (error) {
    // The other end was killed: what had come until then has been told.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  if (rest !== '') await onLine(rest);
};

/** Keeps the last lines of an output: `add` each, `lines` gives at most `count`. */
export const tail = (count: number): { add: (line: string) => void; lines: () => readonly string[] } => {
  const kept: string[] = [];
  return {
    add: (line) => {
      if (line.trim() === '') return;
      kept.push(line);
      if (kept.length > count) kept.shift();
    },
    lines: () => [...kept],
  };
};
