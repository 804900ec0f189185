import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type Architecture, architectures } from '../src/emulation/architectures.ts';
import { emulatorOf } from './emulators.ts';
import { probeOf } from './probes.ts';
import { lineOf } from './table.ts';

// Builds the agent's image from what Debian has on this machine, with buildah and without any registry:
//
//     node agent/image.ts --to oci-archive:FILE
//
// All emulators lie in it as one archive, so that their common parts are stored once; a node gets only those asked for.
const { to } = parseArgs({
  options: { to: { type: 'string', default: 'oci-archive:edgebuild-agent.oci.tar' } },
}).values;

const applets = [
  ...[
    'cat',
    'chmod',
    'cut',
    'grep',
    'mount',
    'mv',
    'printf',
    'rm',
    'sed',
    'sh',
    'sha256sum',
    'sleep',
    'tar',
    'tee',
  ],
  ...['umount', 'uname', 'xzcat'],
];

/** A program that is not static, and what it is linked to, at the same paths. */
const copyWithLibraries = async (program: string, root: string): Promise<void> => {
  const { stdout } = await execa('ldd', [program]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
  for (const path of [program, ...libraries]) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await copyFile(path, join(root, path));
  }
};

const root = await mkdtemp(join(tmpdir(), 'edgebuild-agent-'));
const storage = await mkdtemp(join(tmpdir(), 'edgebuild-agent-storage-'));
try {
  const own = join(root, 'opt/edgebuild');
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'tmp', 'opt/edgebuild/probes'])
    await mkdir(join(root, directory), { recursive: true });
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
  // Labels the emulators on nodes with SELinux.
  await copyWithLibraries('/usr/bin/chcon', root);
  for (const program of ['agent.sh', 'prove.sh', 'probe.sh'])
    await copyFile(join(import.meta.dirname, program), join(own, program));

  const emulators = join(storage, 'emulators');
  await mkdir(emulators);
  const table: string[] = [];
  const digests: Record<string, string> = {};
  for (const architecture of architectures as readonly Architecture[]) {
    const { name } = architecture;
    const emulator = join(emulators, `qemu-${name}`);
    await copyFile(emulatorOf(name), emulator);
    await writeFile(join(own, 'probes', `probe-${name}`), probeOf(name), { mode: 0o755 });
    const digest = createHash('sha256')
      .update(await readFile(emulator))
      .digest('hex');
    digests[name] = digest;
    table.push(lineOf(architecture, digest));
  }
  await writeFile(join(own, 'architectures'), table.join(''));
  const archive = join(own, 'emulators.tar.xz');
  const names = architectures.map(({ name }) => `qemu-${name}`);
  const reproducible = ['--sort=name', '--owner=0', '--group=0', '--mtime=@0'];
  await execa(
    'sh',
    // One stream over all: what emulators have in common lies within 64 MiB.
    [
      '-c',
      `tar -c "$@" | xz --threads=1 --lzma2=preset=1,dict=64MiB >"$ARCHIVE"`,
      'sh',
      ...reproducible,
      ...names,
    ],
    { cwd: emulators, env: { ARCHIVE: archive } },
  );
  await rm(emulators, { recursive: true });

  const { stdout: version } = await execa(emulatorOf('aarch64'), ['--version']);
  const qemu = /version (\S+)/.exec(version)?.[1] ?? 'unknown';
  const buildah = async (...args: readonly string[]): Promise<string> =>
    (
      await execa('buildah', [
        '--storage-driver=vfs',
        `--root=${storage}/root`,
        `--runroot=${storage}/run`,
        ...args,
      ])
    ).stdout;
  const container = await buildah('from', 'scratch');
  await buildah('copy', '--quiet', container, `${root}/`, '/');
  const labels = {
    'org.opencontainers.image.title': 'edgebuild-agent',
    'io.edgebuild.qemu.version': qemu,
    ...Object.fromEntries(
      Object.entries(digests).map(([name, digest]) => [`io.edgebuild.emulator.${name}`, digest]),
    ),
  };
  await buildah(
    'config',
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    ...['--env', 'PATH=/bin:/usr/bin', '--entrypoint', '["/bin/sh"]', container],
  );
  await buildah('commit', '--quiet', '--disable-compression=false', '--format=oci', container, to);
  process.stdout.write(`${to}: ${String(table.length)} architectures, QEMU ${qemu}\n`);
} finally {
  await rm(root, { recursive: true, force: true });
  await rm(storage, { recursive: true, force: true });
}
