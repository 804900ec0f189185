import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import packageJson from '../package.json' with { type: 'json' };
import { buildImage, copyWithLibraries } from './root-filesystem.ts';

// Builds the operator's image from the Node of package-lock.json and what Debian has on this machine, with buildah and
// without any registry:
//
//     node scripts/image-operator.ts --to oci-archive:FILE
//
// It offers what the Dockerfile makes of a public base: the same program at the same place, for the same user.
const { to } = parseArgs({
  options: { to: { type: 'string', default: 'oci-archive:edgebuild.oci.tar' } },
}).values;

const repository = join(import.meta.dirname, '..');
const node = join(repository, 'node_modules/node');
/** A number, so that Kubernetes can tell that it is not root. No file of the image belongs to it. */
const user = 65532;
/** glibc's own order would ask DNS first. */
const files = {
  'etc/passwd': `root:x:0:0:root:/root:/sbin/nologin\nedgebuild:x:${user}:${user}::/:/sbin/nologin\n`,
  'etc/group': `root:x:0:\nedgebuild:x:${user}:\n`,
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

await buildImage(async (root) => {
  await copyWithLibraries(join(node, 'bin/node'), root, '/usr/local/bin/node');
  const copies = {
    'etc/ssl/certs/ca-certificates.crt': '/etc/ssl/certs/ca-certificates.crt',
    'usr/local/LICENSE': join(node, `node_modules/node-linux-${process.arch}/LICENSE`),
    // Says that the program is of modules; and of whom it is.
    'opt/edgebuild/package.json': join(repository, 'package.json'),
    'opt/edgebuild/LICENSE': join(repository, 'LICENSE'),
  };
  // Kubernetes mounts below these, and the root is read-only.
  for (const directory of ['dev', 'proc', 'sys', 'tmp', 'run', 'var/run/secrets'])
    await mkdir(join(root, directory), { recursive: true });
  for (const path of [...Object.keys(files), ...Object.keys(copies)])
    await mkdir(join(root, dirname(path)), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
  for (const [path, from] of Object.entries(copies)) await copyFile(from, join(root, path));
  const bundle = ['scripts/bundle.ts', '--into', join(root, 'opt/edgebuild'), 'src/main.ts'];
  await execa(process.execPath, bundle, { cwd: repository });
  return {
    to,
    labels: {
      'org.opencontainers.image.title': 'edgebuild',
      'org.opencontainers.image.version': packageJson.version,
      'org.opencontainers.image.licenses': packageJson.license,
    },
    config: [
      ...['--env', 'PATH=/usr/local/bin', '--env', 'NODE_ENV=production', '--user', `${user}:${user}`],
      ...['--entrypoint', '["node","/opt/edgebuild/main.js"]', '--cmd', 'run'],
    ],
  };
});
process.stdout.write(`${to}: edgebuild ${packageJson.version}, Node ${process.versions.node}\n`);
