import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { directoryWith, edgebuild } from './edgebuild.ts';

/** Real builds, of images that hold one text file: what a user sees, and what programs get. */
const edgeBuild = (name: string, source: object): string => `
apiVersion: edgebuild.io/v1alpha1
kind: EdgeBuild
metadata: {name: ${name}}
spec: {source: ${JSON.stringify(source)}}
`;
const copying = (file: string): object => ({ dockerfile: `FROM scratch\nCOPY ${file} /\n` });
const [bad, good] = [edgeBuild('bad', copying('nothing.txt')), edgeBuild('good', copying('hello.txt'))];
const settings = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n';
const files = {
  'good.yaml': `${settings}---${good}`,
  'both.yaml': `${bad}---${good}`,
  'context/hello.txt': 'hello\n',
};

let directory = '';
/** Frees what belongs to subordinate ids, which a plain rm may not. */
afterEach(async () => {
  const { exitCode, stdout } = await edgebuild(directory, ['build', '--prune']);
  expect(stdout).toMatch(/^freed [0-9.]+ k?M?B in \S+\/\.cache\/edgebuild$/);
  expect(exitCode).toBe(0);
});

const build = async (...args: readonly string[]) => {
  directory = await directoryWith(files);
  return edgebuild(directory, ['build', '--context', 'context', ...args]);
};

describe('edgebuild build', () => {
  test('tells a person what it did, where the image is, and what to do next', async () => {
    const { exitCode, stdout, stderr } = await build('-f', 'good.yaml');
    expect(stderr).toContain('skipping ConfigMap settings: not an EdgeBuild');
    expect(stderr).toContain('building good for linux/arm64: oci-archive:./good.oci.tar');
    expect(stderr).toMatch(/^ +\d+s {2}linux\/arm64 {2}step 2\/2: COPY hello\.txt \/$/m);
    expect(stdout).toMatch(/^PLATFORM +RESULT +EXECUTION +ARCHITECTURE +PROOF +DIGEST +SIZE +TIME$/m);
    expect(stdout).toMatch(/^linux\/arm64 +Succeeded +\w+ +arm64 .* sha256:[0-9a-f]{12} +\d+ B +\d+s$/m);
    expect(stdout).toContain('on the device: podman load -i ./good.oci.tar');
    expect(exitCode).toBe(0);
    expect((await edgebuild(directory, ['verify', 'oci-archive:good.oci.tar'])).exitCode).toBe(0);
  });

  test('gives programs each object with its status, after a failure too, and nothing else', async () => {
    const { exitCode, stdout, stderr } = await build('-f', 'both.yaml', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          metadata: { name: 'bad' },
          status: { platforms: [{ state: 'Failed', reason: 'DockerfileStepFailed' }] },
        },
        {
          metadata: { name: 'good' },
          status: { platforms: [{ state: 'Succeeded', architecture: 'arm64' }] },
        },
      ],
    });
    expect(stderr).toContain('linux/arm64: DockerfileStepFailed: ');
    expect(exitCode).toBe(1);
    expect(await readdir(directory)).not.toContain('bad.oci.tar');
    expect(await readdir(directory)).toContain('good.oci.tar');
  });

  test('ends with 130 when it is interrupted, each object with its status, and nothing is written', async () => {
    // Its source never comes: it does not end by itself before the signal.
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const stuck = edgeBuild('stuck', { git: { uri: `http://127.0.0.1:${port}/x` } });
    directory = await directoryWith({ 'stuck.yaml': `${stuck}---${good}` });
    const args = ['build', '-f', 'stuck.yaml', '-o', 'json'];
    const { exitCode, stdout, stderr } = await edgebuild(directory, args, { interruptAt: 'building stuck' });
    silent.closeAllConnections();
    silent.close();
    expect(stderr).toContain('SIGINT: ending the work and cleaning up');
    const { items } = JSON.parse(stdout) as { items: { status: { platforms: { state: string }[] } }[] };
    expect(items.map(({ status }) => status.platforms[0]?.state)).toEqual(['Cancelled', 'Cancelled']);
    expect(exitCode).toBe(130);
    expect((await readdir(directory)).filter((name) => name.endsWith('.tar'))).toEqual([]);
  });

  test('ends with 3 and the remedy where the machine lacks a program', async () => {
    directory = await directoryWith(files);
    const { exitCode, stdout, stderr } = await edgebuild(
      directory,
      ['build', '--context', 'context', '-f', 'good.yaml'],
      { path: dirname(process.execPath) },
    );
    expect(stderr).toMatch(/^error: .+ is not installed\nto mend it: .*apt-get install /m);
    expect(stdout).toBe('');
    expect(exitCode).toBe(3);
  });
});
