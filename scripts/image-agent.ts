import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { emulatorOf, writeEmulators } from '../agent/emulators.ts';
import { probeOf } from '../agent/probes.ts';
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
    'head',
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
  ...['sleep', 'tail', 'tee', 'umount', 'uname', 'xzcat'],
];

/** What emulators have in common lies within 64 MiB. */
const lzma2 = 'preset=1,dict=64MiB';
/** In alphabetical order: so are neighbours alike, and arm64 and arm among the first. */
const all: readonly Architecture[] = architectures;

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
  for (const { name } of all)
    await writeFile(join(own, 'probes', `probe-${name}`), probeOf(name), { mode: 0o755 });
  const emulators = all.map((architecture) => ({ architecture, file: emulatorOf(architecture.name) }));
  const digests = Object.entries(await writeEmulators(own, emulators, lzma2));
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
