/** What starts a build, and what does not. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { isDeepStrictEqual } from 'node:util';
import * as kinds from '../../src/edgebuild/kinds.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { kubectl } from '../manifests/installation.ts';
import type { Gate } from './gate.ts';
import { subject, type Subject, thought, versionsOf } from './subject.ts';
import { client, createProjects, eventually, pushBase } from './whole-site.ts';

const [changed, rebased, hooked, manual, suspended] = [
  ...[subject('changed'), subject('rebased'), subject('hooked'), subject('manual'), subject('suspended')],
] as [Subject, Subject, Subject, Subject, Subject];
const [cancelled, superseded, patient] = [subject('cancelled'), subject('superseded'), subject('patient')];
const of = (base: string, ...steps: readonly string[]) => ({
  source: { dockerfile: [`FROM ${base}`, ...steps].join('\n') },
});
const secret = 'canary-of-a-webhook';
const moving = 'bases/moving:1';
const movingBase = (word: string) =>
  pushBase(moving, { platform: 'linux/arm64', members: [{ name: 'word', body: word }] });

export const beginTriggered = async (base: string, gate: Gate): Promise<void> => {
  await createProjects('changed', 'rebased', 'hooked', 'manual', 'suspended', 'cancelled', 'superseded', 'patient');
  await kubectl('-n', 'hooked', 'create', 'secret', 'generic', 'hook', `--from-literal=WebHookSecretKey=${secret}`);
  await changed.apply(of(base, 'RUN echo 1 > /version'));
  await rebased.apply({ ...of(await movingBase('one'), 'RUN cat /word'), verify: { command: ['cat', '/word'] } });
  await hooked.apply({ ...of(base, 'RUN echo hooked'), triggers: { webhooks: [{ type: 'Generic', secretRef: { name: 'hook' } }] } });
  await manual.apply({ ...of(base, 'RUN echo manual'), triggers: { onSpecChange: false } });
  await suspended.apply({ ...of(base, 'RUN echo suspended'), suspend: true });
  await cancelled.apply(of(base, gate.step('cancelled')));
  await superseded.apply({ ...of(base, gate.step('superseded')), triggers: { cancelSuperseded: true } });
  await patient.apply(of(base, gate.step('patient')));
}; // prettier-ignore

const numbers = async (one: Subject): Promise<readonly string[]> =>
  (await one.builds()).map(({ metadata, status }) => `${metadata.name} ${status?.phase ?? ''}`);

/** As `oc start-build` does. */
const startBuild = (namespace: string): Promise<KubeObject> =>
  client.postSubresource(kinds.buildConfigs, { namespace, name: 'web-arm64' }, 'instantiate', {
    ...{ apiVersion: 'build.openshift.io/v1', kind: 'BuildRequest', metadata: { name: 'web-arm64' } },
    triggeredBy: [{ message: 'Manually triggered' }],
  });

/** Waits until a build is what the status is about, and it is Ready. */
const readyBy = async (one: Subject, build: string): Promise<void> => {
  const { conditions, platform } = await one.until(
    ({ platform: now, conditions: all }) => now?.build === build && all['Ready'] === 'True Ready',
  );
  expect([conditions['Ready'], platform?.build, platform?.verified]).toEqual(['True Ready', build, true]);
  expect(await one.tag()).toBe(platform?.digest);
};

export const changedSpecs = (base: () => string): void => {
  describe('a change of the spec', () => {
    test('starts one build, and the tag moves to what it made', async () => {
      await readyBy(changed, 'web-arm64-1');
      const before = await changed.tag();
      await changed.apply(of(base(), 'RUN echo 2 > /version'));
      await readyBy(changed, 'web-arm64-2');
      expect(await changed.tag()).not.toBe(before);
      expect(await numbers(changed)).toEqual(['web-arm64-1 Complete', 'web-arm64-2 Complete']);
    });

    test('that changes nothing of the image starts none', async () => {
      await changed.apply({ ...of(base(), 'RUN echo 2 > /version'), timeoutSeconds: 1800, history: { failed: 1 } });
      await readyBy(changed, 'web-arm64-2');
      const config = (await changed.buildConfigs()).at(0);
      expect(config?.spec).toMatchObject({ completionDeadlineSeconds: 1800, failedBuildsHistoryLimit: 1 });
      expect(await numbers(changed)).toHaveLength(2);
    });

    test('back to what was built before publishes that again, also by an operator that starts anew', async () => {
      await kubectl('-n', 'edgebuild-system', 'rollout', 'restart', 'deployment/edgebuild');
      await kubectl('-n', 'edgebuild-system', 'rollout', 'status', 'deployment/edgebuild', '--timeout=240s');
      const [first] = await changed.builds();
      await changed.apply(of(base(), 'RUN echo 1 > /version'));
      const { platform } = await changed.ready();
      expect(platform?.verified).toBe(true);
      expect(await changed.tag()).toBe(platform?.digest);
      const builds = await changed.builds();
      const inputs = first?.metadata.labels?.['edgebuild.io/inputs'];
      expect(builds.find(({ metadata }) => metadata.name === platform?.build)?.metadata.labels).toMatchObject({
        'edgebuild.io/inputs': inputs,
      });
    });
  });
}; // prettier-ignore

const importAgain = async (): Promise<void> => {
  const stream = await rebased.stream('web-bases');
  const [tag] = stream?.spec?.tags ?? [];
  await client.create(kinds.imageStreamImports, {
    ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStreamImport' },
    metadata: { namespace: 'rebased', name: 'web-bases' },
    spec: {
      import: true,
      images: [{ from: tag?.from, to: { name: tag?.name }, importPolicy: tag?.importPolicy, referencePolicy: tag?.referencePolicy }],
    },
  } as KubeObject);
}; // prettier-ignore

export const changedBases = (): void => {
  describe('a base image', () => {
    test('that is new where it comes from is built upon once', async () => {
      await readyBy(rebased, 'web-arm64-1');
      const before = await rebased.tag();
      await movingBase('two');
      await importAgain();
      await readyBy(rebased, 'web-arm64-2');
      expect(await rebased.tag()).not.toBe(before);
      expect(await numbers(rebased)).toEqual(['web-arm64-1 Complete', 'web-arm64-2 Complete']);
    });

    test('that is imported again and is no other changes nothing', async () => {
      const before = await versionsOf(rebased);
      await importAgain();
      await thought('rebased');
      const after = await versionsOf(rebased);
      expect({ ...after, 'imagestreams/web-bases': '' }).toEqual({ ...before, 'imagestreams/web-bases': '' });
    });
  });
};

export const otherStarts = (): void => {
  describe('a build that somebody else starts is taken up like our own:', () => {
    test('by a webhook, at the path that the status says', async () => {
      await readyBy(hooked, 'web-arm64-1');
      const { webhooks = [] } = (await hooked.read()).status ?? {};
      expect(webhooks).toMatchObject([{ type: 'Generic', platform: 'linux/arm64' }]);
      const path = webhooks[0]?.path ?? '';
      expect(path).toContain('<secret>');
      await execa('kubectl', ['create', `--raw=${path.replace('<secret>', secret)}`, '-f', '-'], { input: '{}' });
      await readyBy(hooked, 'web-arm64-2');
    });

    test('by `oc start-build`', async () => {
      await startBuild('hooked');
      await readyBy(hooked, 'web-arm64-3');
      expect(await numbers(hooked)).toHaveLength(3);
    });

    test('by a person, where a change of the spec is to start none', async () => {
      const { messages } = await manual.until(({ conditions }) => conditions['Ready'] === 'False WaitingForTrigger');
      expect(messages['Ready']).toContain('oc start-build web-arm64 -n manual');
      expect(await numbers(manual)).toEqual([]);
      await startBuild('manual');
      await readyBy(manual, 'web-arm64-1');
    });
  });
}; // prettier-ignore

/** Tests that have nothing to do with each other: what each does begins with the first of them. */
const together = (tests: Readonly<Record<string, () => Promise<void>>>): void => {
  const begun = new Map<string, Promise<void>>();
  beforeAll(() => {
    for (const [name, work] of Object.entries(tests)) {
      const going = work();
      // Whose test it is tells of it.
      going.catch(() => undefined);
      begun.set(name, going);
    }
  });
  for (const name of Object.keys(tests)) test(name, () => begun.get(name));
};

export const heldBuilds = (base: () => string, gate: Gate): void => {
  describe('a build', () => {
    together({
      'is not started while the EdgeBuild is suspended, and then is': async () => {
        await suspended.until(({ conditions }) => conditions['Ready'] === 'False Suspended');
        expect(await numbers(suspended)).toEqual([]);
        await suspended.apply({ ...of(base(), 'RUN echo suspended'), suspend: false });
        await readyBy(suspended, 'web-arm64-1');
      },
      'that a person cancels is not started again, but by a person': async () => {
        await gate.reached('cancelled');
        const patch = ['--type=merge', '--patch={"status":{"cancelled":true}}'];
        await kubectl('-n', 'cancelled', 'patch', 'build', 'web-arm64-1', ...patch);
        const { platform, conditions } = await cancelled.until(({ platform: now }) => now?.state === 'Cancelled');
        expect(platform).toMatchObject({ reason: 'Cancelled', build: 'web-arm64-1' });
        expect(conditions).toMatchObject({ Ready: 'False Cancelled', Stalled: 'False Cancelled' });
        expect(await cancelled.tag()).toBeUndefined();
        gate.open('cancelled');
        await startBuild('cancelled');
        await readyBy(cancelled, 'web-arm64-2');
      },
      'is cancelled when something else is to be built, where that is asked': async () => {
        await gate.reached('superseded');
        await superseded.apply({ ...of(base(), 'RUN echo next'), triggers: { cancelSuperseded: true } });
        await readyBy(superseded, 'web-arm64-2');
        expect(await numbers(superseded)).toEqual(['web-arm64-1 Cancelled', 'web-arm64-2 Complete']);
      },
      'else ends first, and is not what is published': async () => {
        await gate.reached('patient');
        await patient.apply(of(base(), 'RUN echo next'));
        const wanted = ['web-arm64-1 Running', 'web-arm64-2 New'];
        expect(await eventually(() => numbers(patient), (seen) => isDeepStrictEqual(seen, wanted))).toEqual(wanted);
        gate.open('patient');
        await readyBy(patient, 'web-arm64-2');
        const tag = (await patient.stream())?.status?.tags?.find((one) => one.tag === 'latest');
        expect(tag?.items).toHaveLength(1);
      },
    });
  });
}; // prettier-ignore
