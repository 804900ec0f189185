/**
 * `make demo-local`: the whole way on this machine, with no cluster, no registry and no privilege of its root: from an
 * unmodified Dockerfile in a git repository to an ARM64 image that was seen serving a page.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { platformOf } from '../src/api/platforms.ts';
import { readConfig } from '../src/config.ts';
import { openWorkspace } from '../src/engines/local/workspace.ts';
import { basePath, exists, makeBase, releaseOfThisMachine } from './base.ts';
import { serveRepository } from './git-server.ts';
import { handlersOfThisMachine, inWords } from './machine.ts';
import { ended, runDemo } from './programs.ts';
import type { Place } from './place.ts';
import { serveImage } from './serve.ts';
import { heading, quote } from './words.ts';

/** What stands after FROM in demo/repository/Dockerfile. */
const from = 'multiarch/debian-debootstrap:arm64-stretch-slim';
const name = 'test-arm-container';
const port = 8080;
const platform = platformOf('linux/arm64');
/** On an ARM64 machine nothing is emulated. */
const emulated = process.arch !== 'arm64';

const here = (path: string): string => join(import.meta.dirname, path);
const main = async (signal: AbortSignal): Promise<void> => {
  const config = readConfig();
  const before = await handlersOfThisMachine();
  const workspace = await openWorkspace(join(config.cacheDirectory, 'demo'));
  const run = await workspace.openRun(signal);
  const place: Place = { workspace, run, platform };
  try {
    const release = await releaseOfThisMachine(platform);
    const base = basePath(workspace, platform, release);
    if (await exists(base)) {
      heading(`The base image of an earlier run is there: ${base}`);
    } else {
      heading(
        `A base image, made of ${release.suite}'s ${platform.debian} packages by apt, without any registry`,
      );
      await makeBase(place, release, { signal, onLine: quote });
    }

    const server = await serveRepository(here('repository'), name, config.environment);
    const archive = resolve(`${name}.oci.tar`);
    try {
      const uri = `git://127.0.0.1:${server.port}/${name}`;
      heading(`The repository is served as ${uri} (commit ${server.commit}). Its Dockerfile:`);
      (await readFile(here('repository/Dockerfile'), 'utf8')).trimEnd().split('\n').forEach(quote);
      const command = [
        'build',
        '-f',
        '-',
        '--base',
        `${from}=oci-archive:${base}`,
        '--to',
        `oci-archive:${archive}`,
      ];
      heading(`edgebuild ${command.join(' ')}`);
      await edgebuild(command, await objectFor(uri), signal);
    } finally {
      await server.close();
    }

    heading('The image runs, emulated, with a network of its own');
    const sight = await serveImage(place, archive, port, { signal, onLine: quote });
    const after = await handlersOfThisMachine();
    quote(`${sight.command}    (uname -m: ${sight.machine})`);
    quote(`GET http://127.0.0.1:${port}/    ${sight.status} ${sight.title}`);
    for (const { pid, executable, commandLine } of sight.processes) {
      quote(`process ${pid.padEnd(4)} /proc/${pid}/exe -> ${executable}    ${commandLine}`);
    }
    for (const [path, elf] of sight.programs) quote(`${path}: ${elf}`);

    heading('What this machine is left with');
    quote(
      `binfmt_misc before: ${inWords(before)}; after: ${before === after ? 'the same, byte for byte' : inWords(after)}`,
    );
    quote(`image: ${archive}`);
    quote(`on the device: podman load -i ${name}.oci.tar`);

    const wrong = [
      ...(sight.status === '200' ? [] : [`the page has status ${sight.status}, not 200`]),
      ...(sight.machine === 'aarch64' ? [] : [`uname -m answers ${sight.machine}, not aarch64`]),
      ...(sight.processes.length > 0 ? [] : ['no process of the image was seen']),
      ...sight.processes
        .filter(({ executable }) => emulated && !executable.includes('/qemu-aarch64'))
        .map(({ pid, executable }) => `process ${pid} is ${executable}, not qemu-aarch64`),
      ...(sight.programs.size > 0 ? [] : ['no program of a process was read']),
      ...[...sight.programs]
        .filter(([, elf]) => !elf.includes('arm64'))
        .map(([path, elf]) => `${path} is ${elf}`),
      ...(before === after ? [] : ['binfmt_misc of this machine has changed']),
    ];
    if (wrong.length > 0) throw new Error(wrong.join('; '));
    heading('Done.');
  } finally {
    await run.close();
  }
};

/** demo/edgebuild-local.yaml, with the address that the repository has this time. */
const objectFor = async (uri: string): Promise<string> => {
  const text = await readFile(here('edgebuild-local.yaml'), 'utf8');
  const filled = text.replace(/uri: \S+/, `uri: ${uri}`);
  if (filled === text) throw new Error('demo/edgebuild-local.yaml has no uri');
  return filled;
};

/** The command line as a user calls it. */
const edgebuild = async (given: readonly string[], stdin: string, signal: AbortSignal): Promise<void> => {
  const child = spawn(process.execPath, [here('../src/main.ts'), ...given], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  child.stdin.end(stdin);
  await ended(child, 'edgebuild build', signal);
};

await runDemo(main);
