/**
 * Names inside an image are kept as latin1: one character a byte, so that names that are not UTF-8 stay different, and
 * take one byte a character in memory.
 */
export const nameOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** A name as a person reads it: control characters and bytes that are not UTF-8 are replaced. */
export const shown = (name: string): string =>
  Buffer.from(name, 'latin1')
    .toString('utf8')
    .replace(/\p{Cc}/gu, '\uFFFD');

/** The components of a path: lexically cleaned as Go's filepath.Clean does, held below the root. */
export const components = (
  path: string,
): { readonly names: readonly string[]; readonly outside: boolean } => {
  const names: string[] = [];
  let outside = false;
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) outside = true;
  }
  return { names, outside };
};
