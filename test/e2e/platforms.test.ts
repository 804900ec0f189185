import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';
import { sha256 } from '../support/images.ts';
import type { BusyboxPlatform } from '../support/bases.ts';

const shop = newWorkshop();
const all: readonly BusyboxPlatform[] = [
  'linux/arm64',
  'linux/arm/v7',
  'linux/ppc64le',
  'linux/s390x',
  'linux/amd64',
];
const every = shop.base('every', ...all.map((platform) => ({ platform })));
const base = ['--base', `base=${every}`];

interface Manifests {
  readonly manifests: readonly { readonly platform: object; readonly digest: string }[];
}
const indexOf = async (reference: string): Promise<Manifests> =>
  JSON.parse((await execa('skopeo', ['inspect', '--raw', reference])).stdout) as Manifests;

describe('several platforms', () => {
  test('side by side become one index, each emulated or native, and skopeo reads the same', async () => {
    const ended = await shop.build(
      { ...inline('FROM base', 'RUN uname -m >/machine && cat /machine'), platforms: all },
      [...base, ...['--jobs', '2']],
    );
    expect(ended.status).toBe(0);
    expect(ended.object.status?.platforms?.map((one) => [one.platform, one.execution, one.verified])).toEqual(
      all.map((name) => [name, name === 'linux/amd64' ? 'Native' : 'Emulated', true]),
    );
    for (const line of [
      'linux/arm64  | aarch64',
      'linux/arm/v7  | armv7l',
      'linux/s390x  | s390x',
      'linux/ppc64le  | ppc64le',
      'linux/amd64  | x86_64',
    ]) {
      expect(ended.stderr.replaceAll(/ +\|/g, '  |')).toContain(line);
    }
    const archive = `oci-archive:${shop.path('app.oci.tar')}`;
    const { manifests } = await indexOf(archive);
    expect(manifests.map(({ platform }) => platform)).toEqual([
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
      { os: 'linux', architecture: 'ppc64le' },
      { os: 'linux', architecture: 's390x' },
      { os: 'linux', architecture: 'amd64' },
    ]);
    expect(manifests.map(({ digest }) => digest)).toEqual(
      ended.object.status?.platforms?.map(({ digest }) => digest),
    );
    const s390x = await execa('skopeo', ['--override-arch=s390x', 'inspect', '--config', archive]);
    expect(JSON.parse(s390x.stdout)).toMatchObject({ architecture: 's390x' });
    expect(await shop.remains()).toEqual([]);
  });

  const oneFails = inline('FROM base', 'RUN [ "$(uname -m)" != s390x ]');
  const platforms = ['linux/arm64', 'linux/s390x'];

  test('are published together or not at all', async () => {
    const ended = await shop.build({ ...oneFails, platforms }, base, { name: 'together' });
    expect([platformOf(ended, 0).state, platformOf(ended, 1).reason]).toEqual([
      'Succeeded',
      'DockerfileStepFailed',
    ]);
    expect(conditionOf(ended, 'Published')).toMatchObject({ status: 'False', reason: 'NotPublished' });
    expect([ended.status, ended.object.status?.image]).toEqual([1, undefined]);
    expect(existsSync(shop.path('together.oci.tar'))).toBe(false);
  });

  test('or what succeeded, if the author says so: that is not Ready, and still a failure', async () => {
    const ended = await shop.build({ ...oneFails, platforms, publish: 'Succeeded' }, base, {
      name: 'partly',
    });
    expect(conditionOf(ended, 'Published')).toMatchObject({ status: 'True', reason: 'PartlyPublished' });
    expect(conditionOf(ended, 'Ready')).toMatchObject({ status: 'False', reason: 'DockerfileStepFailed' });
    expect(ended.status).toBe(1);
    const { stdout } = await execa('skopeo', [
      'inspect',
      '--config',
      `oci-archive:${shop.path('partly.oci.tar')}`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ architecture: 'arm64' });
  });

  test('a stage for the machine that builds runs natively, and knows what it builds for', async () => {
    const ended = await shop.build(
      inline(
        ...['FROM --platform=$BUILDPLATFORM base AS compile', 'ARG TARGETARCH', 'ARG BUILDPLATFORM'],
        ...['RUN echo "compiling on $(uname -m) of $BUILDPLATFORM for $TARGETARCH" >/result && cat /result'],
        ...['FROM base', 'COPY --from=compile /result /result', 'RUN uname -m && cat /result'],
      ),
      base,
    );
    expect(ended.status).toBe(0);
    expect(ended.stderr.match(/\| compiling on x86_64 of linux\/amd64 for arm64/g)).toHaveLength(2);
    expect(ended.stderr).toContain('| aarch64');
    expect(platformOf(ended).architecture).toBe('arm64');
  });
});

describe('two builds at once', () => {
  test('of one name do not disturb each other, and one archive or the other is there, whole', async () => {
    const write = (text: string): string[] => {
      const file = shop.write(
        `${text}.json`,
        JSON.stringify({
          ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name: 'same' } },
          spec: inline('FROM base', `RUN echo ${text} >/who; cat /who`),
        }),
      );
      return ['build', '-f', file, '-o', 'json', ...base];
    };
    const [one, two] = await Promise.all([shop.edgebuild(write('one')), shop.edgebuild(write('two'))]);
    expect([one.status, two.status]).toEqual([0, 0]);
    expect([one.stderr.includes('| one'), two.stderr.includes('| two')]).toEqual([true, true]);
    const digests = [one, two].map((ended) => platformOf(ended).digest);
    const { stdout } = await execa('skopeo', [
      'inspect',
      '--raw',
      `oci-archive:${shop.path('same.oci.tar')}`,
    ]);
    expect(digests).toContain(`sha256:${sha256(Buffer.from(stdout))}`);
    expect(await shop.remains()).toEqual([]);
  });
});
