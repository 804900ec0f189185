import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const survey = (name: string): { result: unknown; memory: number } =>
  JSON.parse(
    execFileSync(process.execPath, [join(import.meta.dirname, '../support/hostile.ts'), name], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }).toString(),
  ) as { result: unknown; memory: number };

/** MiB, of a process whose Node alone takes 80 with type stripping, and that also makes what it reads. */
describe('the memory of a survey is bounded', () => {
  test.each([
    ['1,000,000 files', 'millionFiles', 1_000_000, 450],
    ['1,000,000 whiteouts', 'millionWhiteouts', 1_000_000, 450],
    ['1,000,000 directories in directories', 'millionDirectories', 'TooLarge', 600],
    ['1,000,000 links of long targets', 'millionLinks', 'TooLarge', 600],
    ['200,000 programs of long interpreters', 'programsOfLongInterpreters', 'TooLarge', 600],
    ['a file that claims 10 GB and is cut', 'claimOf10GB', 'Truncated', 150],
    ['a sparse file of 10 GB', 'sparse10GB', 1, 150],
    ['1 GiB of zeros in 5 MB of gzip', 'gigabyteOfZeros', 1, 250],
  ])(
    'for %s',
    (_, name, result, limit) => {
      const found = survey(name);
      expect(found.result).toBe(result);
      expect(found.memory).toBeLessThan(limit);
    },
    300_000,
  );
});
