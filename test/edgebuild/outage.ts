/** Nobody serves OpenShift's groups for a while, in the middle of a build. */
import { describe, expect, test } from '@jest/globals';
import { kubectl, tryKubectl } from '../manifests/installation.ts';
import type { OpenShift } from '../openshift/stand-in.ts';
import type { Gate } from './gate.ts';
import { subject } from './subject.ts';
import { createProjects, eventually, system } from './whole-site.ts';

const [held, during, before] = [subject('held'), subject('during'), subject('before')];
const of = (base: string, step: string) => ({ source: { dockerfile: `FROM ${base}\n${step}\n` } });

export const beginOutage = async (base: string, gate: Gate): Promise<void> => {
  await createProjects('held', 'during', 'before');
  await held.apply(of(base, gate.step('held')));
  await before.apply(of(base, 'RUN echo before'));
};

/** Which pods, and how often their programs were started. */
const operators = (): Promise<string> => {
  const each = '{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{"\\n"}{end}';
  return kubectl(system, 'get', 'pods', '-o', `jsonpath=${each}`);
};

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
      const pods = await operators();
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
      expect(await operators()).toBe(pods);
    });
  });
}; // prettier-ignore
