import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import packageJson from '../package.json' with { type: 'json' };

// Copies both images to a registry, and writes where they are, by digest, into the manifests:
//
//     node scripts/push.ts --registry HOST/PATH [--tls-verify false] [--operator FILE] [--agent FILE] [--manifests DIR]
//
// They become HOST/PATH/operator:VERSION and HOST/PATH/agent:VERSION. Credentials are those of skopeo and podman login.
const { values } = parseArgs({
  options: {
    registry: { type: 'string', default: '' },
    'tls-verify': { type: 'string', default: 'true' },
    operator: { type: 'string', default: 'edgebuild.oci.tar' },
    agent: { type: 'string', default: 'edgebuild-agent.oci.tar' },
    manifests: { type: 'string', default: 'manifests' },
  },
});

/** An image as skopeo names it, and the reference of its copy: `REPOSITORY@sha256:…`. */
const push = async (archive: string, repository: string, workspace: string): Promise<string> => {
  const digestFile = join(workspace, 'digest');
  const flags = [
    '--insecure-policy',
    `--dest-tls-verify=${values['tls-verify']}`,
    '--digestfile',
    digestFile,
  ];
  const to = `docker://${repository}:${packageJson.version}`;
  await execa('skopeo', ['copy', ...flags, archive, to], { stdio: ['ignore', 'ignore', 'inherit'] });
  return `${repository}@${(await readFile(digestFile, 'utf8')).trim()}`;
};

const labelsOf = async (archive: string): Promise<Readonly<Record<string, string>>> => {
  const { stdout } = await execa('skopeo', ['inspect', '--config', archive]);
  const { config } = JSON.parse(stdout) as {
    readonly config: { readonly Labels: Readonly<Record<string, string>> };
  };
  return config.Labels;
};

/** Of the agent's image: QEMU's targets, and the SHA-256 of their emulators. */
const emulatorsOf = (labels: Readonly<Record<string, string>>): string => {
  const prefix = 'io.edgebuild.emulator.';
  return Object.entries(labels)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, digest]) => `${name.slice(prefix.length)}=${digest}`)
    .sort()
    .join(',');
};

const main = async (): Promise<void> => {
  const registry = values.registry.replace(/\/+$/, '');
  // skopeo would take a name without a host for one of Docker Hub.
  if (!/^[^/\s]*[.:][^/\s]*\/[^\s]+$/.test(registry) && !registry.startsWith('localhost/'))
    throw new Error('name a registry and a path in it: make push REGISTRY=registry.example.com/edgebuild');
  const workspace = await mkdtemp(join(tmpdir(), 'edgebuild-push-'));
  try {
    const [operator, agent] = [`oci-archive:${values.operator}`, `oci-archive:${values.agent}`];
    const labels = await labelsOf(agent);
    const lines = [
      `# Written by make push: EdgeBuild ${packageJson.version}.`,
      `operator=${await push(operator, `${registry}/operator`, workspace)}`,
      `agent=${await push(agent, `${registry}/agent`, workspace)}`,
      `qemu=${labels['io.edgebuild.qemu.version'] ?? ''}`,
      `emulators=${emulatorsOf(labels)}`,
    ];
    const file = join(values.manifests, 'base/images.env');
    await writeFile(file, `${lines.join('\n')}\n`);
    process.stdout.write(`${lines.slice(1, 3).join('\n')}\nwritten to ${file}\n`);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
};

try {
  await main();
} catch (error) {
  process.stderr.write(`push: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
