import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { emulatorOf } from '../agent/emulators.ts';
import { probeOf } from '../agent/probes.ts';
import { lineOf } from '../agent/table.ts';
import { type Architecture, architectures } from '../src/emulation/architectures.ts';
import { buildImage, copyWithLibraries } from './root-filesystem.ts';

// Builds the agent's image from what Debian has on this machine, with buildah and without any registry:
//
//     node scripts/image-agent.ts --to oci-archive:FILE
//
// All emulators lie in it as one archive, so that their common parts are stored once; a node gets only those asked for.
const { to } = parseArgs({
  options: { to: { type: 'string', default: 'oci-archive:edgebuild-agent.oci.tar' } },
}).values;

const agent = join(import.meta.dirname, '../agent');
const applets = [
  ...[
    'cat',
    'chmod',
    'cut',
    'grep',
    'mkfifo',
    'mount',
    'mv',
    'printf',
    'rm',
    'rmdir',
    'sed',
    'sh',
    'sha256sum',
  ],
  ...['sleep', 'tar', 'tee', 'umount', 'uname', 'xzcat'],
];

/** One stream over all: what emulators have in common lies within 64 MiB. */
const pack = async (directory: string, names: readonly string[], archive: string): Promise<void> => {
  const reproducible = ['--sort=name', '--owner=0', '--group=0', '--mtime=@0'];
  const script = 'tar -c "$@" | xz --threads=1 --lzma2=preset=1,dict=64MiB >"$ARCHIVE"';
  const args = ['-c', script, 'sh', ...reproducible, ...names];
  await execa('sh', args, { cwd: directory, env: { ARCHIVE: archive } });
};

/** Puts emulators, probes and table below `own`. Returns the SHA-256 of each emulator, by QEMU's name of its target. */
const addArchitectures = async (own: string): Promise<Readonly<Record<string, string>>> => {
  const emulators = await mkdtemp(join(tmpdir(), 'edgebuild-emulators-'));
  try {
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
    const names = Object.keys(digests).map((name) => `qemu-${name}`);
    await pack(emulators, names, join(own, 'emulators.tar.xz'));
    return digests;
  } finally {
    await rm(emulators, { recursive: true, force: true });
  }
};

const { stdout: version } = await execa(emulatorOf('aarch64'), ['--version']);
const qemu = /version (\S+)/.exec(version)?.[1] ?? 'unknown';
await buildImage(async (root) => {
  const own = join(root, 'opt/edgebuild');
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'tmp', 'opt/edgebuild/probes'])
    await mkdir(join(root, directory), { recursive: true });
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
  // Labels the emulators on nodes with SELinux.
  await copyWithLibraries('/usr/bin/chcon', root);
  for (const program of ['agent.sh', 'prove.sh', 'probe.sh'])
    await copyFile(join(agent, program), join(own, program));
  const digests = Object.entries(await addArchitectures(own));
  return {
    to,
    // No version of ours: an agent that did not change keeps its digest, and nodes keep their agent.
    labels: {
      'org.opencontainers.image.title': 'edgebuild-agent',
      'io.edgebuild.qemu.version': qemu,
      ...Object.fromEntries(digests.map(([name, digest]) => [`io.edgebuild.emulator.${name}`, digest])),
    },
    config: ['--env', 'PATH=/bin:/usr/bin', '--entrypoint', '["/bin/sh"]'],
  };
});
process.stdout.write(`${to}: ${String(architectures.length)} architectures, QEMU ${qemu}\n`);
