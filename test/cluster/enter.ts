/**
 * `node test/cluster/enter.ts [--no-net] [-- COMMAND ARGUMENTS…]`: opens a box with a whole Kubernetes cluster in it,
 * runs the command there, an interactive shell by default, and ends with its status. Nothing of the box stays but the
 * logs of its parts, in EDGEBUILD_CLUSTER_LOGS or .cache/cluster/logs.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runInNamespaces } from './namespaces.ts';
import { clusterPrograms } from './programs.ts';

const repository = join(import.meta.dirname, '../..');

const emptyDirectory = (directory: string): string => {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  return directory;
};

const tell = (line: string): void => {
  process.stderr.write(`box: ${line}\n`);
};

const enter = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'no-net': { type: 'boolean' } },
  });
  const network = values['no-net'] !== true;
  if (process.getuid?.() !== 0) throw new Error('only root may open a box: it maps 65536 ids');
  const programs = resolve(await clusterPrograms({ tell }));
  const logs = process.env['EDGEBUILD_CLUSTER_LOGS'] ?? join(repository, '.cache/cluster/logs');
  return runInNamespaces({
    network,
    command: [
      process.execPath,
      join(import.meta.dirname, 'inside.ts'),
      network ? 'net' : 'no-net',
      ...positionals,
    ],
    environment: {
      KUBEBUILDER_ASSETS: programs,
      EDGEBUILD_CLUSTER_LOGS: emptyDirectory(resolve(logs)),
      // Programs of the system administrator's: runc, iptables, nft, ip.
      PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
    },
  });
};

try {
  process.exitCode = await enter();
} catch (error) {
  tell(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
