/** Nobody serves OpenShift's groups for a while, in the middle of a build. */
import { describe, expect, test } from '@jest/globals';
import { pods } from '../../src/edgebuild/kinds.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { tryKubectl } from '../manifests/installation.ts';
import type { OpenShift } from '../openshift/stand-in.ts';
import type { Gate } from './gate.ts';
import { all, subject } from './subject.ts';
import { createProjects, eventually } from './whole-site.ts';

const [held, during, before] = [subject('held'), subject('during'), subject('before')];
const of = (base: string, step: string) => ({ source: { dockerfile: `FROM ${base}\n${step}\n` } });

export const beginOutage = async (base: string, gate: Gate): Promise<void> => {
  await createProjects('held', 'during', 'before');
  await held.apply(of(base, gate.step('held')));
  await before.apply(of(base, 'RUN echo before'));
};

interface Pod extends KubeObject {
  readonly status?: { readonly containerStatuses?: readonly { readonly restartCount: number }[] };
}

/** Which pods are there to stay, and how often their programs were started. */
const operators = async (): Promise<readonly string[]> =>
  (await all<Pod>(pods, 'edgebuild-system'))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(
      ({ metadata: { uid = '' }, status }) => `${uid} ${status?.containerStatuses?.[0]?.restartCount ?? ''}`,
    )
    .toSorted();

/** As OpenShift has it, whoever may ask. */
const phaseBehind = async (namespace: string): Promise<string> =>
  (
    await tryKubectl(
      '-n',
      namespace,
      'get',
      'builds.build.standin.edgebuild.test',
      '-o',
      'jsonpath={.items[*].status.phase}',
    )
  ).stdout;

export const outage = (openShift: () => OpenShift, base: () => string, gate: Gate): void => {
  describe('while nobody serves OpenShift’s groups', () => {
    test('the operator lives, what is Ready stays so, and everything is there when they are back', async () => {
      const { object } = await before.ready();
      await gate.reached('held');
      const running = await operators();
      openShift().outage();
      try {
        await during.apply(of(base(), 'RUN echo during'));
        gate.open('held');
        expect(await eventually(() => phaseBehind('held'), (phase) => phase === 'Complete')).toBe('Complete');
        const { conditions } = await during.until(({ conditions: now }) => now['Ready'] === 'False BuildAPIUnavailable');
        expect(conditions).toMatchObject({ Ready: 'False BuildAPIUnavailable', Stalled: 'False BuildAPIUnavailable' });
        const still = await before.until(() => true);
        expect([still.conditions['Ready'], still.object.status?.image]).toEqual(['True Ready', object.status?.image]);
      } finally {
        await openShift().restore();
      }
      await Promise.all([held.ready(), during.ready(), before.ready()]);
      expect(await Promise.all([held, during, before].map(async (one) => (await one.builds()).length))).toEqual([1, 1, 1]);
      expect(await operators()).toEqual(running);
    });
  });
}; // prettier-ignore
