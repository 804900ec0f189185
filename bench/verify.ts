/**
 * How long verifying an image takes beside `skopeo copy` of the same image to a directory, and how much memory.
 *
 * Method: images of 200 MB and 2 GB (the sum of their unpacked layers: what `podman images` shows) are made in a
 * temporary directory: four layers, of which two fifths are programs (this machine's qemu-*-static), two fifths random
 * bytes and one fifth text. Each run is a process of its own, wall time from spawn to exit; verification and skopeo take
 * turns. Medians of the pairs' ratios. Memory is the child's VmHWM (its maxRSS would be the
 * parent's, if that is larger: Linux keeps it across exec). The page cache is warm for both. What runs is the
 * compiled source, as it is shipped: stripping types takes 20 MiB and 100 ms of its own.
 */
import { createHash, randomBytes, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { execa } from 'execa';
import { inPairs, line } from './pairs.ts';

const MEGABYTE = 1_000_000;
const LAYERS = 4;

/** Compiles the program that verifies one image, as `make build` does, and returns its path. */
const compile = async (): Promise<string> => {
  const root = join(import.meta.dirname, '..');
  const into = join(root, '.cache', 'bench-verify');
  await execa(process.execPath, ['scripts/bundle.ts', '--into', into, 'bench/verify-one.ts'], { cwd: root });
  return join(into, 'verify-one.js');
};

const hashed = (hash: Hash): PassThrough =>
  new PassThrough().on('data', (chunk: Buffer) => hash.update(chunk));

/** Files of about `megabytes` in a directory. */
const fillLayer = async (directory: string, megabytes: number): Promise<void> => {
  const programs = readdirSync('/usr/bin').filter((name) => /^qemu-.*-static$/.test(name));
  if (programs.length === 0)
    throw new Error('no qemu-*-static in /usr/bin: apt-get install qemu-user-static');
  const text = Array.from({ length: 2000 }, (_, i) => `line ${i * 7919} of a text that packs well\n`).join(
    '',
  );
  const limits = [0.4, 0.8, 1].map((part) => part * megabytes * MEGABYTE);
  let written = 0;
  for (let i = 0; written < megabytes * MEGABYTE; i += 1) {
    const left = megabytes * MEGABYTE - written;
    const body =
      written < (limits[0] ?? 0)
        ? readFileSync(join('/usr/bin', programs[i % programs.length] ?? ''))
        : written < (limits[1] ?? 0)
          ? randomBytes(MEGABYTE)
          : Buffer.from(text);
    await writeFile(join(directory, `file-${i}`), body.subarray(0, left), { mode: 0o755 });
    written += Math.min(left, body.length);
  }
};

interface MadeLayer {
  readonly diffId: string;
  readonly digest: string;
  readonly size: number;
}

const packLayer = async (directory: string, blobs: string): Promise<MadeLayer> => {
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const path = join(blobs, 'layer');
  const tar = execa('tar', ['-c', '-C', directory, '.'], { stdout: 'pipe', buffer: false });
  await pipeline(
    tar.stdout,
    hashed(plain),
    createGzip({ level: 6 }),
    hashed(packed),
    createWriteStream(path),
  );
  const digest = packed.digest('hex');
  await execa('mv', [path, join(blobs, digest)]);
  return { diffId: `sha256:${plain.digest('hex')}`, digest, size: (await stat(join(blobs, digest))).size };
};

/** Writes an OCI layout of the size; returns its directory. */
const makeImage = async (directory: string, megabytes: number): Promise<string> => {
  const layout = join(directory, `oci-${megabytes}`);
  const blobs = join(layout, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const layers: MadeLayer[] = [];
  for (let i = 0; i < LAYERS; i += 1) {
    const files = join(directory, 'files');
    await mkdir(join(files, 'opt', `layer-${i}`), { recursive: true });
    if (i === 0) {
      await mkdir(join(files, 'bin'));
      await execa('cp', ['/bin/busybox', join(files, 'bin')]);
      await symlink('busybox', join(files, 'bin', 'sh'));
    }
    await fillLayer(join(files, 'opt', `layer-${i}`), megabytes / LAYERS);
    layers.push(await packLayer(files, blobs));
    await rm(files, { recursive: true });
  }
  const store = async (value: unknown): Promise<{ digest: string; size: number }> => {
    const bytes = Buffer.from(JSON.stringify(value));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = await store({
    os: 'linux',
    architecture: 'amd64',
    config: { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = await store({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map(({ digest, size }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: `sha256:${digest}`,
      size,
    })),
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, ...manifest }] }),
  );
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  return layout;
};

const compare = async (
  program: string,
  name: string,
  reference: string,
  directory: string,
  pairs: number,
): Promise<void> => {
  let memory = 0;
  const copy = join(directory, 'copy');
  const result = await inPairs(
    pairs,
    async () => {
      const { stdout } = await execa(process.execPath, [program, reference]);
      memory = Math.max(memory, (JSON.parse(stdout) as { memory: number }).memory);
    },
    async () => {
      await execa('skopeo', ['copy', '--quiet', reference, `dir:${copy}`]);
    },
    () => rm(copy, { recursive: true, force: true }),
  );
  process.stdout.write(`${line(name, result, 1)}  memory ${memory.toFixed(0)} MiB, goal 150\n`);
};

const bytesOf = async (path: string): Promise<number> => {
  let size = 0;
  for await (const chunk of createReadStream(path)) size += (chunk as Buffer).length;
  return size;
};

export const benchVerify = async (pairs: number): Promise<void> => {
  const program = await compile();
  const directory = await mkdtemp(join(tmpdir(), 'edgebuild-bench-'));
  try {
    for (const megabytes of [200, 2000]) {
      const layout = await makeImage(directory, megabytes);
      const archive = join(directory, `${megabytes}.oci.tar`);
      const docker = join(directory, `${megabytes}.docker.tar`);
      await execa('tar', ['-c', '-f', archive, '-C', layout, 'index.json', 'oci-layout', 'blobs']);
      await execa('skopeo', [
        'copy',
        '--quiet',
        `oci:${layout}`,
        `docker-archive:${docker}:bench/bench:latest`,
      ]);
      const packed = Math.round((await bytesOf(archive)) / MEGABYTE);
      const runs = megabytes === 200 ? pairs : Math.min(pairs, 2);
      process.stdout.write(`${megabytes} MB, ${packed} MB packed, ${runs} pairs\n`);
      await compare(program, '  oci:', `oci:${layout}`, directory, runs);
      await compare(program, '  oci-archive:', `oci-archive:${archive}`, directory, runs);
      await compare(program, '  docker-archive: (plain)', `docker-archive:${docker}`, directory, runs);
      await rm(layout, { recursive: true });
      await rm(archive);
      await rm(docker);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
