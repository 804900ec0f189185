import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A directory of its own, until `removeDirectories`. */
export const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'edgebuild-test-'));
  made.push(directory);
  return directory;
};

export const removeDirectories = (): void => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
};
