/** The commands about a cluster, against a real API server, with the stand-in for OpenShift's on it. */
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeBuildStatus } from '../../src/api/edgebuild.ts';
import { render } from '../../src/cli/render.ts';
import { status, type StatusFlags } from '../../src/cli/status.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { openSite, type OpenShiftSite } from '../openshift/control-plane-site.ts';
import { until } from '../support/until.ts';
import { directoryWith } from './edgebuild.ts';
import { begin, type Ended } from './in-process.ts';
import { building, built, failed, published, storedWith } from './statuses.ts';

jest.setTimeout(300_000);

const repository = join(import.meta.dirname, '../..');

let site: OpenShiftSite;
let plane: ControlPlane;
/** Of a user whose context names the namespace `shop`. */
let kubeconfig: string;
let beforeInstallation: Ended;
/** What a test has started, and may not have ended. */
const programs: { readonly kill: () => boolean }[] = [];

beforeAll(async () => {
  // Nothing answers there: nothing is imported, and nothing of it is looked at here.
  site = await openSite('127.0.0.1:9');
  ({ plane } = site);
  ({ kubeconfig } = plane);
  beforeInstallation = await run();
  await kubectl('apply', '-k', join(repository, 'crds'));
  await kubectl('create', 'namespace', 'shop');
  // A kind is served a moment after its CRD was taken.
  const served = () => plane.kubectl(['get', 'edgebuilds,nodeemulations', '-A']);
  expect(await until(served, ({ exitCode }) => exitCode === 0, 60_000)).toMatchObject({ exitCode: 0 });
  await kubectl('config', 'set-context', '--current', '--namespace=shop');
});

afterEach(() => {
  for (const program of programs.splice(0)) program.kill();
});

afterAll(async () => {
  await site.close();
});

const kubectl = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await plane.kubectl(args);
  expect({ args, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ args, exitCode: 0, stderr: '' });
  return stdout;
};

const begun = (name: string | undefined, flags: Partial<StatusFlags> = {}) => {
  const { said, ended } = begin((terminal) =>
    status(name, { kubeconfig, output: 'text', ...flags }, terminal),
  );
  const says = async (words: string): Promise<void> => {
    expect(await until(said, (text) => text.includes(words), 120_000)).toContain(words);
  };
  return { says, ended };
};

const run = (name?: string, flags?: Partial<StatusFlags>): Promise<Ended> => begun(name, flags).ended;

/** The program itself: it is told to end by a signal. */
const started = (...args: readonly string[]) => {
  const command = [join(repository, 'src/main.ts'), ...args, `--kubeconfig=${kubeconfig}`];
  const running = execa(process.execPath, command, { reject: false, timeout: 240_000 });
  programs.push(running);
  let text = '';
  running.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const says = async (words: string): Promise<void> => {
    expect(await until(() => text, (said) => said.includes(words), 120_000)).toContain(words); // prettier-ignore
  };
  return { says, kill: () => running.kill('SIGINT'), ended: running };
};

const put = async (name: string): Promise<void> => {
  const { exitCode, stderr } = await plane.kubectl(['apply', '-f', '-'], {
    input: JSON.stringify({
      ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name } },
      spec: { source: { dockerfile: 'FROM debian:12\n' }, platforms: ['linux/arm64', 'linux/s390x'] },
    }),
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
};

/** As the operator writes it, of the first generation. */
const report = async (name: string, object: StoredEdgeBuild): Promise<void> => {
  const written: EdgeBuildStatus = {
    ...object.status,
    observedGeneration: 1,
    conditions: (object.status?.conditions ?? []).map((one) => ({ ...one, observedGeneration: 1 })),
  };
  const patch = JSON.stringify({ status: written });
  await kubectl('patch', 'edgebuild', name, '--subresource=status', '--type=merge', '--patch', patch);
};

const ready = storedWith([built], { published });
const stalled = storedWith([built, failed]);

describe('edgebuild status', () => {
  test('of a cluster without EdgeBuilds says what to install, and ends with 3', () => {
    expect(beforeInstallation.stderr).toContain('this cluster has no EdgeBuilds: an admin installs them');
    expect(beforeInstallation).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test('of an empty namespace says so', async () => {
    const all = await run(undefined, { namespace: 'default' });
    expect(all).toEqual({ exitCode: 0, stdout: '', stderr: 'no EdgeBuild in default\n' });
    const one = await run('web', { namespace: 'default' });
    expect(one.stderr).toBe(
      'error: there is no EdgeBuild web in namespace default, nor any other: -n names another namespace\n',
    );
    expect(one).toMatchObject({ exitCode: 1, stdout: '' });
  });

  test('shows all of the namespace of the context, one, or all of the cluster', async () => {
    await put('ready');
    await put('stalled');
    await report('ready', ready);
    await report('stalled', stalled);
    const [all, everywhere, one, json, wrong] = [
      await run(),
      await run(undefined, { allNamespaces: true }),
      await run('stalled'),
      await run('ready', { output: 'json' }),
      await run('redy'),
    ];
    expect(
      all.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ +\d\S*$/, '')),
    ).toEqual([
      'NAME     READY  REASON                BUILT  IMAGE                AGE',
      'ready    True   Ready                 1/1    sha256:abababababab',
      'stalled  False  DockerfileStepFailed  1/2    -',
    ]);
    expect(everywhere.stdout).toMatch(/^NAMESPACE +NAME .*\nshop +ready /);
    expect(one.stdout).toMatch(/^stalled in shop is not ready, and a person must act\.\n/);
    expect(one.stdout).not.toContain('\u001b');
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'EdgeBuild', status: { image: { digest: published.digest } } }); // prettier-ignore
    expect(wrong.stderr).toBe('error: there is no EdgeBuild redy in namespace shop; did you mean ready?\n');
    expect([all, everywhere, one, json, wrong].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 1]);
  });

  test('needs no more than the right to the one object', async () => {
    const of = { user: 'joe' };
    const joe = await plane.kubeconfigFor(of);
    await kubectl('create', 'role', 'one', '-n', 'shop', '--verb=get,list,watch', '--resource=edgebuilds.edgebuild.io', '--resource-name=ready'); // prettier-ignore
    await kubectl('create', 'rolebinding', 'one', '-n', 'shop', '--role=one', `--user=${of.user}`);
    await site.untilAllowed(of.user, 'list', 'edgebuilds.edgebuild.io/ready', '-n', 'shop');
    const as = { kubeconfig: joe, namespace: 'shop' };
    expect(await run('ready', { ...as, watch: true })).toMatchObject({ exitCode: 0 });
    const all = await run(undefined, as);
    expect(all.stderr).toContain('cannot list resource "edgebuilds"');
    expect(all.stderr).toContain('to mend it: ask an admin of the namespace for the role view');
    expect(all).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test.each<[string, string | undefined, Partial<StatusFlags>, string]>([
    ['a name that none can be', 'Web_1', {}, 'NAME Web_1: Invalid value'],
    ['such a namespace', undefined, { namespace: 'a.b' }, '--namespace a.b: Invalid value'],
    ['a name in all namespaces', 'web', { allNamespaces: true }, 'a name is of one namespace'],
    ['JSON of all that never ends', undefined, { watch: true, output: 'json' }, '-o json with --watch needs NAME'],
  ])('%s ends with 2', async (_, name, flags, message) => {
    const { exitCode, stderr } = await run(name, flags);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  }); // prettier-ignore

  test('of a cluster that does not answer ends with 3', async () => {
    const text = (await readFile(kubeconfig, 'utf8')).replaceAll(
      /server: .*/g,
      'server: https://127.0.0.1:9',
    );
    const file = join(await directoryWith({ config: text }), 'config');
    const { exitCode, stderr } = await run('web', { kubeconfig: file });
    expect(stderr).toContain(
      'error: https://127.0.0.1:9: list edgebuilds.edgebuild.io shop: connect ECONNREFUSED',
    );
    expect(exitCode).toBe(3);
  });
});

describe('edgebuild status --watch', () => {
  test('says each change, and ends with 0 when it is ready', async () => {
    await put('web');
    const watched = begun('web', { watch: true });
    await watched.says('shop/web  is not ready yet: the operator has not looked at it.');
    await report('web', storedWith([building]));
    await watched.says('shop/web linux/arm64  Building (web-arm64-3): building under emulation on worker-1');
    await report('web', ready);
    const { exitCode, stdout, stderr } = await watched.ended;
    expect(stdout).toMatch(/^web in shop is ready: linux\/arm64 built, verified and published\.\n/);
    expect(stderr.split('\n').filter((line) => line.includes('Building'))).toHaveLength(1);
    expect(exitCode).toBe(0);
  });

  test('ends with 1 when a person must act, the object on standard output if asked', async () => {
    await put('bad');
    const watched = begun('bad', { watch: true, output: 'json' });
    await watched.says('has not looked at it');
    await report('bad', stalled);
    const { exitCode, stdout } = await watched.ended;
    expect(JSON.parse(stdout)).toMatchObject({ metadata: { name: 'bad' } });
    expect(exitCode).toBe(1);
  });

  test('ends with 1 when it is deleted, and with 130 when it is interrupted', async () => {
    await put('goes');
    const [deleted, all] = [begun('goes', { watch: true }), started('status', '--watch')];
    await deleted.says('has not looked at it');
    await all.says('shop/goes  is not ready yet');
    await kubectl('delete', 'edgebuild', 'goes');
    await all.says('shop/goes  is gone');
    all.kill();
    const [gone, stopped] = [await deleted.ended, await all.ended];
    expect(gone.stderr).toContain('error: EdgeBuild goes was deleted');
    expect(gone).toMatchObject({ exitCode: 1, stdout: '' });
    expect(stopped.stdout).toMatch(/^NAME /);
    expect(stopped.exitCode).toBe(130);
  });

  test('goes on when the API server comes back', async () => {
    await put('patient');
    const watched = begun('patient', { watch: true });
    await watched.says('has not looked at it');
    await plane.stopApiServer();
    await watched.says('no news of the cluster, tried again in');
    await plane.startApiServer();
    await report('patient', ready);
    expect(await watched.ended).toMatchObject({ exitCode: 0 });
  });
});

describe('edgebuild render', () => {
  const metadata = { name: 'web', namespace: 'shop' };
  const deploy = { port: 8080, expose: true };
  const triggers = { webhooks: [{ type: 'GitHub', secretRef: { name: 'hook' } }] };
  const git = { uri: 'https://example.org/web.git', ref: 'main' };
  const resources = { limits: { memory: '1Gi' }, requests: { cpu: '500m' } };
  const fields = { contextDir: './a', dockerfilePath: './b/Dockerfile', secretRef: { name: 'git' } };
  // Words that are something else in the YAML that kubectl reads.
  const buildArgs = ['yes', '012', '1:20', 'null', ' x ', "it's", '1e3'].map((value, at) => ({ name: `A${at}`, value })); // prettier-ignore
  test.each<[string, object]>([
    ['an inline Dockerfile', { source: { dockerfile: 'FROM 127.0.0.1:9/debian:12\nRUN echo "a: b" \\\n  c\n' }, buildArgs }],
    ['a Dockerfile in git', { source: { git, ...fields }, baseImages: [{ from: '127.0.0.1:9/debian:12', pullSecretRef: { name: 'hub' } }] }],
    ['all that there is', { source: { git, ...fields, dockerfile: 'FROM 127.0.0.1:9/debian:12\n' }, platforms: ['linux/arm64', 'linux/amd64'], deploy, triggers, resources, verify: { command: ['sh', '-c', "echo '1'\necho 2"] }, output: { labels: { 'org.example.a-b': 'true' } } }],
  ])('%s: applied twice, the second time changes nothing', async (_, spec) => {
    const edgeBuild = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata, spec };
    const directory = await directoryWith({ 'web.yaml': JSON.stringify(edgeBuild) });
    for (const format of ['yaml', 'json'] as const) {
      const { stdout, exitCode } = await begin((terminal) =>
        render({ file: join(directory, 'web.yaml'), output: format }, terminal),
      ).ended;
      expect(exitCode).toBe(0);
      await applied(stdout);
      await imported();
      const first = await applied(stdout);
      expect(await applied(stdout)).toEqual(first);
    }
    await kubectl('delete', 'buildconfigs,imagestreams,services,routes', '--all', '-n', 'shop');
  }); // prettier-ignore

  /** An import, also one that fails, writes to its ImageStream by itself. */
  const imported = () =>
    site.eventually('/apis/image.openshift.io/v1/namespaces/shop/imagestreams', ({ items }) =>
      (items as unknown as readonly Stream[]).every(({ spec, status }) =>
        (spec?.tags ?? []).every(({ name }) => status?.tags?.some(({ tag }) => tag === name)),
      ),
    );

  /** Which version of what is there after it was applied; the server refuses fields that it does not know. */
  const applied = async (objects: string): Promise<readonly string[]> => {
    const args = ['apply', '--server-side', '--validate=strict', '-f', '-', '-o', 'json'];
    const { exitCode, stdout, stderr } = await plane.kubectl(args, { input: objects });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { items } = JSON.parse(stdout) as { readonly items: readonly Versioned[] };
    // What is said of an import that is tried again changes nothing of what is wanted.
    return items.map(({ kind, metadata: { name, generation, resourceVersion = '' } }) =>
      [kind, name, generation, kind === 'ImageStream' ? '' : resourceVersion].join(' '),
    );
  };
});

interface Versioned {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
  };
}

interface Stream {
  readonly spec?: { readonly tags?: readonly { readonly name: string }[] };
  readonly status?: { readonly tags?: readonly { readonly tag: string }[] | null };
}
