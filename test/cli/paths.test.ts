import { describe, expect, test } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireWritable } from '../../src/cli/paths.ts';
import { directoryWith } from './edgebuild.ts';

describe('what may be written', () => {
  test.each([
    ['oci-archive', 'new.tar'],
    ['oci-archive', 'old.tar'],
    ['docker-archive', 'old.tar'],
    ['oci', 'new'],
    ['oci', 'empty'],
    ['oci', 'layout'],
  ] as const)('%s:%s', async (transport, name) => {
    const directory = await directoryWith({ 'layout/oci-layout': '{}', 'old.tar': '' });
    await mkdir(join(directory, 'empty'));
    await expect(requireWritable({ transport, target: join(directory, name) })).resolves.toBeUndefined();
  });

  test('a registry is not asked before there is something to push', async () => {
    await expect(requireWritable({ transport: 'docker', target: 'localhost:1/x' })).resolves.toBeUndefined();
  });
});
