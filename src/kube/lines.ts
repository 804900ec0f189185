import { errorOfNoAnswer } from './errors.ts';

/** More than any object in etcd can be (1.5 MiB by default, and base64 around it). */
const maxLineBytes = 64 * 1024 * 1024;

/**
 * The lines of a stream of bytes, one by one.
 *
 * @throws ApiError with reason BrokenAnswer when the stream ends within a line, or a line never ends.
 */
export const lines = async function* (
  chunks: AsyncIterable<Uint8Array>,
  words: string,
): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      parts.push(chunk.subarray(from, end));
      const line = textOf(parts);
      if (line.trim() !== '') yield line;
      parts = [];
      length = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > maxLineBytes) throw errorOfNoAnswer(words, 'BrokenAnswer', 'a line is longer than 64 MiB');
  }
  if (length > 0) throw errorOfNoAnswer(words, 'BrokenAnswer', 'the stream ended within a line');
};

const textOf = (parts: readonly Uint8Array[]): string => {
  const [first] = parts;
  return (
    parts.length === 1 && first !== undefined
      ? Buffer.from(first.buffer, first.byteOffset, first.length)
      : Buffer.concat(parts)
  ).toString('utf8');
};
