import { afterAll, jest } from '@jest/globals';
import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const main = join(import.meta.dirname, '../../src/main.ts');

/** Starting the program takes a second where other tests keep the machine busy. */
jest.setTimeout(60_000);

/** What the program ended with. */
export interface Run {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Standard input. */
  readonly input?: string;
  /** Where programs are found; the tests' own PATH otherwise. */
  readonly path?: string;
  /** SIGINT is sent when this is read on standard error. */
  readonly interruptAt?: string;
}

/** Runs the program as a user does, in a directory, with an environment that holds only PATH and a home there. */
export const edgebuild = async (
  directory: string,
  args: readonly string[],
  { input = '', path = process.env['PATH'] ?? '', interruptAt }: RunOptions = {},
): Promise<Run> => {
  const running = execa(process.execPath, [main, ...args], {
    cwd: directory,
    env: { PATH: path, HOME: directory },
    extendEnv: false,
    input,
    reject: false,
    timeout: 60_000,
  });
  if (interruptAt !== undefined)
    running.stderr.on('data', (text: Buffer) => {
      if (text.toString().includes(interruptAt)) running.kill('SIGINT');
    });
  const { exitCode, stdout, stderr } = await running;
  return { exitCode, stdout, stderr };
};

const made: string[] = [];
afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true });
});

/** A new directory with these files, there until the tests of the file end. */
export const directoryWith = async (files: Readonly<Record<string, string>> = {}): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'edgebuild-cli-'));
  made.push(directory);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
};

/** The files of an OCI layout below `layout/` whose images have no layer, one for each architecture. */
export const layoutFiles = (architectures: readonly string[]): Record<string, string> => {
  const files: Record<string, string> = { 'layout/oci-layout': '{"imageLayoutVersion":"1.0.0"}' };
  const blob = (mediaType: string, value: object): object => {
    const text = JSON.stringify(value);
    const hex = createHash('sha256').update(text).digest('hex');
    files[`layout/blobs/sha256/${hex}`] = text;
    return { mediaType, digest: `sha256:${hex}`, size: text.length };
  };
  const manifests = architectures.map((architecture) => {
    const rootfs = { type: 'layers', diff_ids: [] };
    const config = blob('application/vnd.oci.image.config.v1+json', { os: 'linux', architecture, rootfs });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    return {
      ...blob(mediaType, { schemaVersion: 2, mediaType, config, layers: [] }),
      platform: { os: 'linux', architecture },
    };
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const whole =
    manifests.length === 1 ? manifests : [blob(mediaType, { schemaVersion: 2, mediaType, manifests })];
  files['layout/index.json'] = JSON.stringify({ schemaVersion: 2, mediaType, manifests: whole });
  return files;
};
