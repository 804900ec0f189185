/** From one `kubectl apply` to an image that users pull: one platform, and several. */
import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { kubectl } from '../manifests/installation.ts';
import { subject, thought, versionsOf } from './subject.ts';
import { createProjects, eventually } from './whole-site.ts';

const [one, several] = [subject('one'), subject('several')];
const ofOne = (base: string) => ({
  source: { dockerfile: `FROM ${base}\nRUN uname -m > /machine\n` },
  verify: { command: ['cat', '/machine'] },
});
const three = ['linux/arm64', 'linux/amd64', 'linux/arm/v7'];
const ofSeveral = (base: string, step: string) => ({
  source: { dockerfile: `FROM ${base}\nARG TARGETARCH\nRUN ${step}\n` },
  platforms: three,
});
const fails = 'test "$TARGETARCH" != amd64';

export const beginPublished = async (base: string): Promise<void> => {
  await createProjects('one', 'several');
  await one.apply(ofOne(base));
  await several.apply(ofSeveral(base, 'echo "$TARGETARCH" > /target'));
};

/** What is stored under a name: a manifest, or an index of several. */
const manifestOf = async (reference: string): Promise<{ manifests?: readonly { digest: string; platform: object }[] }> => {
  const { stdout } = await execa('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`]);
  return JSON.parse(stdout) as Awaited<ReturnType<typeof manifestOf>>;
}; // prettier-ignore

export const onePlatform = (base: () => string): void => {
  describe('one platform', () => {
    test('is waited for as for anything of Kubernetes, and says all of it', async () => {
      await kubectl('-n', 'one', 'wait', '--for=condition=Ready', 'edgebuild/web', '--timeout=240s');
      const { conditions, platforms, object } = await one.ready();
      expect(conditions).toEqual({
        ...{ Ready: 'True Ready', Reconciling: 'False Ready', Stalled: 'False Ready' },
        ...{ EmulationReady: 'True EmulationProven', BaseImagesReady: 'True BaseImagesFound' },
        ...{ Built: 'True BuildComplete', Verified: 'True Verified', Published: 'True Published' },
      });
      const [platform] = platforms;
      const digest = platform?.digest;
      expect(platforms).toEqual([
        {
          ...{ platform: 'linux/arm64', execution: 'Emulated', state: 'Succeeded', reason: 'BuildComplete' },
          ...{ build: 'web-arm64-1', attempt: 1, architecture: 'arm64', verified: true },
          digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          message: expect.stringMatching(/^built in (\d+m)?\d+s under emulation on localhost$/),
          inputs: expect.any(String),
          startTime: expect.any(String),
          completionTime: expect.any(String),
        },
      ]);
      expect(object.status?.image).toEqual({
        ...{ digest, reference: expect.stringMatching(new RegExp(`/one/web@${digest ?? ''}$`)) },
        tag: 'web:latest',
        publishedAt: expect.any(String),
      });
    });

    test('was built once', async () => {
      expect((await one.builds()).map(({ metadata }) => metadata.name)).toEqual(['web-arm64-1']);
    });

    test('has its tag moved to the verified image, without another push', async () => {
      const digest = (await one.ready()).platform?.digest ?? '';
      const stream = await one.stream();
      expect(stream?.spec?.tags).toMatchObject([
        { name: 'latest', from: { kind: 'ImageStreamImage', name: `web@${digest}` } },
      ]);
      expect(await one.tag()).toBe(digest);
      expect(await one.tag('latest-arm64')).toBe(digest);
    });

    test('shows the columns that a person wants to see', async () => {
      const [header = '', line = ''] = (await kubectl('-n', 'one', 'get', 'edgebuild')).split('\n');
      expect(header.split(/\s+/)).toEqual(['NAME', 'READY', 'REASON', 'PLATFORMS', 'IMAGE', 'AGE']);
      expect(line).toMatch(/^web +True +Ready +\["linux\/arm64"\] +\S+\/one\/web@sha256:[0-9a-f]{64} +\S+$/);
    });

    test('has told of each step once', async () => {
      const told = await eventually(one.events, (seen) => seen.includes('Published'));
      expect(told.toSorted()).toEqual(['BuildStarted', 'BuildSucceeded', 'Published'].toSorted());
    });

    test('applied a second time changes nothing, nor does an operator that starts anew', async () => {
      const before = await versionsOf(one);
      expect(Object.keys(before).sort()).toEqual([
        ...['buildconfigs/web-arm64', 'builds/web-arm64-1', 'edgebuilds/web'],
        ...['imagestreams/web', 'imagestreams/web-bases'],
      ]);
      expect(await one.apply(ofOne(base()))).toBe('edgebuild.edgebuild.io/web unchanged');
      await kubectl('-n', 'edgebuild-system', 'rollout', 'restart', 'deployment/edgebuild');
      await kubectl('-n', 'edgebuild-system', 'rollout', 'status', 'deployment/edgebuild', '--timeout=240s');
      // Of what it sees after it leads it has thought when it has answered something newer.
      await thought('one');
      expect(await versionsOf(one)).toEqual(before);
    });
  });
};

export const severalPlatforms = (base: () => string): void => {
  describe('several platforms', () => {
    let published: string | undefined;

    test('are published as one index of what was built for each', async () => {
      const { platforms, object } = await several.ready();
      expect(platforms.map(({ platform }) => platform)).toEqual(three);
      const execution = Object.fromEntries(platforms.map((one_) => [one_.platform, one_.execution]));
      expect(execution).toEqual({
        ...{ 'linux/amd64': 'Native', 'linux/arm64': 'Emulated', 'linux/arm/v7': 'Emulated' },
      });
      const { reference = '', digest } = object.status?.image ?? {};
      published = digest;
      expect(await several.tag()).toBe(digest);
      const { manifests = [] } = await manifestOf(reference);
      const digestFor = (name: string) => platforms.find(({ platform }) => platform === name)?.digest;
      expect(manifests).toHaveLength(3);
      expect(manifests).toEqual(expect.arrayContaining([
        expect.objectContaining({ digest: digestFor('linux/arm64'), platform: { os: 'linux', architecture: 'arm64' } }),
        expect.objectContaining({ digest: digestFor('linux/amd64'), platform: { os: 'linux', architecture: 'amd64' } }),
        expect.objectContaining({ digest: digestFor('linux/arm/v7'), platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }),
      ]));
      expect(await several.builds()).toHaveLength(3);
    });

    test('of which one fails leave the tag where it was', async () => {
      await several.apply(ofSeveral(base(), fails));
      const { conditions, platforms } = await several.stalled('DockerfileStepFailed');
      expect(conditions).toMatchObject({
        ...{ Ready: 'False DockerfileStepFailed', Built: 'False DockerfileStepFailed' },
        Published: 'False NotPublished',
      });
      expect(platforms.filter(({ state }) => state === 'Failed').map(({ platform }) => platform)).toEqual(['linux/amd64']);
      expect(await several.tag()).toBe(published);
    });

    test('are published without the one that failed where that is wanted, and nothing is built for it', async () => {
      const before = (await several.builds()).length;
      await several.apply({ ...ofSeveral(base(), fails), publish: 'Succeeded' });
      const { object, platforms, messages } = await several.until(
        ({ conditions }) => conditions['Published'] === 'True PartlyPublished',
      );
      expect(messages['Published']).toContain('linux/amd64');
      const { manifests = [] } = await manifestOf(object.status?.image?.reference ?? '');
      const good = platforms.filter(({ state }) => state === 'Succeeded').map(({ digest }) => digest);
      expect(manifests.map(({ digest }) => digest).sort()).toEqual(good.sort());
      expect(good).toHaveLength(2);
      expect(await several.builds()).toHaveLength(before);
    });
  });
}; // prettier-ignore
