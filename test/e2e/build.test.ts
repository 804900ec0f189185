import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';
import { exitWithEffectiveUser } from '../support/programs.ts';

const shop = newWorkshop();
const arm64 = shop.base('arm64', {
  platform: 'linux/arm64',
  members: [
    { name: 'effective-user', body: exitWithEffectiveUser, mode: 0o755 },
    { name: 'dir/', type: '5' },
  ],
});
const base = ['--base', `example.org/base:1=${arm64}`];
const from = 'FROM example.org/base:1';

describe('an ARM64 image from a Dockerfile in the object', () => {
  test('is built, proven and written, and the object says so as a cluster would', async () => {
    const ended = await shop.build(
      {
        ...inline(from, 'RUN uname -m >/machine', 'CMD ["/bin/cat", "/machine"]'),
        output: { labels: { a: 'b=c' } },
      },
      base,
    );
    expect(ended.stderr).not.toContain('warning');
    expect(ended.status).toBe(0);
    const { status } = ended.object;
    const digest = platformOf(ended).digest ?? '';
    expect(platformOf(ended)).toMatchObject({
      ...{ platform: 'linux/arm64', execution: 'Emulated', state: 'Succeeded', reason: 'BuildComplete' },
      ...{ attempt: 1, architecture: 'arm64', verified: true },
    });
    expect(status?.image).toMatchObject({
      digest,
      reference: `oci-archive:${shop.path('app.oci.tar')}@${digest}`,
    });
    const found = status?.conditions?.map((condition) => `${condition.type} ${condition.status}`);
    expect(found).toEqual([
      ...['Ready True', 'Reconciling False', 'Stalled False', 'EmulationReady True', 'BaseImagesReady True'],
      ...['Built True', 'Verified True', 'Published True'],
    ]);
    const { stdout } = await execa('skopeo', [
      'inspect',
      '--config',
      `oci-archive:${shop.path('app.oci.tar')}`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ os: 'linux', architecture: 'arm64' },
      config: { Cmd: ['/bin/cat', '/machine'], Labels: { a: 'b=c' } },
    });
    const judged = await shop.edgebuild(['verify', `oci-archive:${shop.path('app.oci.tar')}`]);
    expect(judged.stdout).toContain('passed: ');
    expect(judged.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('is taken from the layer cache the second time, built anew with --no-cache, and after --prune', async () => {
    const spec = inline(from, 'RUN echo once >/file');
    const cached = 'Using cache';
    expect((await shop.build(spec, base)).stderr).not.toContain(cached);
    expect((await shop.build(spec, base)).stderr).toContain(cached);
    expect((await shop.build(spec, [...base, '--no-cache'])).stderr).not.toContain(cached);
    const pruned = await shop.edgebuild(['build', '--prune']);
    expect(pruned.stdout).toMatch(/^freed [1-9][0-9.]* [kM]B in /);
    const again = await shop.build(spec, base);
    expect(again.stderr).not.toContain(cached);
    expect(again.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('runs setuid programs with the rights of their owners', async () => {
    const ended = await shop.build(
      inline(
        from,
        'RUN cp /effective-user /as-root && cp /effective-user /as-seven && chown 7 /as-seven',
        'RUN chmod 4755 /as-root /as-seven',
        'USER app',
        'RUN /effective-user; [ $? = 232 ] && /as-root && { /as-seven; [ $? = 7 ]; } && echo setuid works',
      ),
      base,
    );
    expect(ended.stderr).toContain('| setuid works');
    expect(ended.status).toBe(0);
  });

  test('can be of no base at all, and then its proof says that there is no uname in it', async () => {
    const context = shop.write('context/effective-user', exitWithEffectiveUser, 0o755);
    const ended = await shop.edgebuild(['build', '-f', '-', '--context', context.replace(/\/[^/]*$/, '')], {
      input: JSON.stringify({
        ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name: 'scratch' } },
        spec: inline('FROM scratch', 'COPY effective-user /', 'CMD ["/effective-user"]'),
      }),
    });
    expect(ended.stdout).toMatch(/^linux\/arm64 +Succeeded +Emulated +arm64 +no uname in the image /m);
    expect(ended.status).toBe(0);
  });
});

describe('what cannot be', () => {
  test('a heredoc is refused before the build, with its line and the version that knows it', async () => {
    const minor = Number((await execa('buildah', ['--version'])).stdout.split(/[ .]/)[3]);
    const ended = await shop.build(inline(from, '# comment', 'RUN <<EOF', 'echo it ran', 'EOF'), base);
    if (minor >= 33) {
      expect(ended.stderr).toContain('| it ran');
      return;
    }
    expect(platformOf(ended)).toMatchObject({ reason: 'DockerfileInvalid', state: 'Failed' });
    expect(platformOf(ended).message).toMatch(
      /line 3: .*heredoc.*buildah 1\.33 or later; this machine has 1\.\d+/i,
    );
    expect(ended.stderr).not.toContain('step 1/');
    expect(ended.status).toBe(1);
  });

  test('Native is refused where the machine is of another platform, and nothing else is tried', async () => {
    const ended = await shop.build({ ...inline(from), execution: 'Native' }, base);
    expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason: 'NativeUnavailable' });
    expect(conditionOf(ended, 'Ready')).toMatchObject({ status: 'False', reason: 'NativeUnavailable' });
    expect(ended.status).toBe(1);
  });
});
