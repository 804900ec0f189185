/**
 * The demo inside of the box that demo/run.ts opens: `in-box.ts BASE`, an OCI archive.
 */
import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { EdgeBuildStatus } from '../src/api/edgebuild.ts';
import { registryHost } from '../test/cluster/registry.ts';
import { pushInto } from '../test/manifests/installation.ts';
import { openOpenShift } from '../test/openshift/in-box.ts';
import { serveRepository } from './git-server.ts';
import { lookAt } from './look.ts';
import { heading, quote, say } from './words.ts';

const name = 'test-arm-container';
const namespace = 'test-arm-project';
const here = (path: string): string => join(import.meta.dirname, path);
const [base = ''] = process.argv.slice(2);

const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
  const { stdout } = await execa('kubectl', args, input === undefined ? {} : { input });
  return stdout;
};
/** As a person would type it, with what it says. */
const show = async (...args: readonly string[]): Promise<void> => {
  quote(`$ kubectl ${args.join(' ')}`);
  for (const line of (await kubectl(args)).split('\n')) quote(line);
};

/** The operator, as an admin installs it, with the images of this checkout. */
const install = async (): Promise<void> => {
  const manifests = await pushInto();
  const overlay = join(manifests, 'overlays/openshift');
  // The registry of this cluster has no certificate.
  const args = [
    { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--registry-plain-http' },
  ];
  const target = { kind: 'Deployment', name: 'edgebuild' };
  const kustomization = await readFile(join(overlay, 'kustomization.yaml'), 'utf8');
  const patch = `  - target: ${JSON.stringify(target)}\n    patch: ${JSON.stringify(JSON.stringify(args))}\n`;
  await writeFile(join(overlay, 'kustomization.yaml'), `${kustomization}${patch}`);
  await kubectl(['apply', '-k', overlay]);
  await kubectl(['-n', 'edgebuild-system', 'rollout', 'status', 'deployment/edgebuild', '--timeout=180s']);
};

const status = async (): Promise<EdgeBuildStatus | undefined> => {
  const text = await kubectl(['-n', namespace, 'get', 'edgebuild', name, '-o', 'json']);
  return (JSON.parse(text) as { readonly status?: EdgeBuildStatus }).status;
};

/** `edgebuild status --watch`, as a person would look at it. It ends when the EdgeBuild is Ready, or needs a person. */
const follow = async (): Promise<void> => {
  const args = [here('../src/main.ts'), 'status', name, '-n', namespace, '--watch'];
  await execa(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
};

const main = async (): Promise<void> => {
  await kubectl(['create', 'namespace', namespace]);
  heading('A stand-in for OpenShift’s build and image APIs; the base image is put into a registry');
  const openshift = await openOpenShift();
  const image = `${registryHost}/multiarch/debian-debootstrap:arm64-stretch-slim`;
  const copy = ['copy', '--quiet', '--insecure-policy', '--dest-tls-verify=false'];
  await execa('skopeo', [...copy, `oci-archive:${base}`, `docker://${image}`]);
  const server = await serveRepository(
    here('repository'),
    name,
    process.env as Record<string, string>,
    openshift.address,
  );
  heading('The operator is installed: kubectl apply -k manifests/overlays/openshift');
  await install();
  await show('-n', 'edgebuild-system', 'get', 'deployment');

  const uri = `git://${openshift.address}:${server.port}/${name}`;
  heading(`One EdgeBuild, for the repository ${uri} (commit ${server.commit}). Its Dockerfile, as it is:`);
  (await readFile(here('repository/Dockerfile'), 'utf8')).trimEnd().split('\n').forEach(quote);
  const text = await readFile(here('edgebuild.yaml'), 'utf8');
  const object = text.replace(/uri: \S+/, `uri: ${uri}`).replaceAll('REGISTRY/', `${registryHost}/`);
  quote('$ kubectl apply -f edgebuild.yaml');
  quote(await kubectl(['apply', '-f', '-'], object));
  say();
  await follow();
  await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `edgebuild/${name}`, '--timeout=300s']);

  heading('What it says');
  await show('-n', namespace, 'get', 'edgebuild');
  await show('-n', namespace, 'get', 'edgebuild', name, '-o', 'yaml');
  await show('get', 'nodeemulation');
  await show('-n', namespace, 'get', 'builds,deployments,pods');

  heading('The image runs in the cluster; a page from it');
  const sight = await lookAt(namespace, name, 8080);
  quote(`GET http://${name}.${namespace}:8080/    ${sight.status} ${sight.title}`);
  for (const { pid, executable, program, elf } of sight.processes)
    quote(`process ${String(pid).padEnd(6)} /proc/${pid}/exe -> ${executable}    ${program}: ${elf}`);

  heading('The image, saved for a device');
  const published = (await status())?.image;
  const archive = resolve(here('..'), `${name}.oci.tar`);
  await execa('rm', ['-f', archive]);
  const save = ['copy', '--quiet', '--insecure-policy', '--src-tls-verify=false'];
  await execa('skopeo', [...save, `docker://${published?.reference ?? ''}`, `oci-archive:${archive}`]);
  quote(`$ skopeo copy docker://${published?.reference ?? ''} oci-archive:${name}.oci.tar`);

  const wrong = [
    ...(sight.status === 200 ? [] : [`the page has status ${sight.status}, not 200`]),
    ...(sight.processes.length > 0 ? [] : ['no process of the image was seen']),
    ...sight.processes
      .filter(({ executable }) => !executable.includes('qemu-aarch64'))
      .map(({ pid, executable }) => `process ${pid} is ${executable}, not qemu-aarch64`),
    ...sight.processes
      .filter(({ elf }) => !elf.includes('arm64'))
      .map(({ program, elf }) => `${program} is ${elf}`),
  ];
  if (wrong.length > 0) throw new Error(wrong.join('; '));
};

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// The box ends with this process, and with it all that was begun here.
process.exit();
