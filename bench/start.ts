/** How long the program takes to say what it can do, beside a Node that does nothing. Needs `make build`. */
import { join } from 'node:path';
import { execa } from 'execa';
import { inPairs, line } from './pairs.ts';

const program = join(import.meta.dirname, '../dist/main.js');

export const benchStart = async (): Promise<void> => {
  const pairs = await inPairs(
    21,
    () => execa(process.execPath, [program, '--help']),
    () => execa(process.execPath, ['-e', '0']),
  );
  process.stdout.write(`${line('edgebuild --help / node -e 0', pairs, 3)}\n`);
};
