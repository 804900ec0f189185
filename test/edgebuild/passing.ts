/** Failures that pass, or that somebody else sees to: nothing of the EdgeBuild is lost by them. */
import { describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { registryHost } from '../cluster/registry.ts';
import { kubectl } from '../manifests/installation.ts';
import type { GitServer } from '../support/gitserver.ts';
import type { Gate } from './gate.ts';
import { type Standing, subject, type Subject } from './subject.ts';
import { createProjects, eventually } from './whole-site.ts';

const [late, robbed, huge, starved, flushed] = ['late', 'robbed', 'huge', 'starved', 'flushed'].map((one) =>
  subject(one),
) as [Subject, Subject, Subject, Subject, Subject];
const [named, mounting] = [subject('named'), subject('mounting')];
const base = `${registryHost}/bases/busybox:1`;
const of = (...steps: readonly string[]) => ({
  source: { dockerfile: [`FROM ${base}`, ...steps].join('\n') },
});
const nobodyHas = { resources: { requests: { cpu: '1000' } } };

export const beginPassing = async (gate: Gate, server: GitServer): Promise<void> => {
  await createProjects(
    ...[late, robbed, huge, starved, flushed, named, mounting].map(({ namespace }) => namespace),
  );
  await late.apply({ ...of(gate.step('late')), timeoutSeconds: 10 });
  await robbed.apply(of(gate.step('robbed')));
  await huge.apply({ ...of('RUN echo huge'), ...nobodyHas });
  await starved.apply({ ...of('RUN echo starved'), ...nobodyHas });
  await kubectl(
    ...['-n', 'named', 'create', 'rolebinding', 'names', '--clusterrole=edgebuild-secret-names'],
    '--serviceaccount=edgebuild-system:edgebuild',
  );
  const hook = { type: 'Generic', secretRef: { name: 'hook' } };
  const repository = server.repository('private');
  repository.commit({ Dockerfile: `FROM ${base}\n` });
  const source = { git: { uri: repository.uri, ref: 'main' }, secretRef: { name: 'git' } };
  await mounting.apply({ source });
  await named.apply({ ...of('RUN echo named'), triggers: { webhooks: [hook] } });
  await flushed.apply(of(gate.step('flushed'), 'RUN echo 1 > /after', 'RUN cat /after'));
};

const podOf = (one: Subject, build: string): readonly string[] => [
  '-n',
  one.namespace,
  'pod',
  `${build}-build`,
];

/** To be run first: the longer a kubelet has tried to mount, the longer it waits before it tries again. */
export const mounted = (): void => {
  test('a build whose Secret the operator cannot see waits for it, and names it', async () => {
    const isNamed = ({ messages }: Standing): boolean => messages['Reconciling']?.includes('Secret git') === true;
    const { messages, platform } = await mounting.until(isNamed);
    expect(messages['Reconciling']).toContain('it waits for Secret git if that is not there');
    expect(platform).toMatchObject({ state: 'Building', reason: 'BuildPending' });
    const literals = ['--from-literal=username=a', '--from-literal=password=b'];
    const type = '--type=kubernetes.io/basic-auth';
    await kubectl('-n', 'mounting', 'create', 'secret', 'generic', 'git', type, ...literals);
    await mounting.ready();
    expect(await mounting.builds()).toHaveLength(1);
  });
}; // prettier-ignore

export const passing = (gate: Gate): void => {
  describe('a build', () => {
    test('past its deadline is started again when it gets more time', async () => {
      const { messages } = await late.stalled('TimedOut');
      expect(messages['Stalled']).toContain('took longer than 10 s: raise spec.timeoutSeconds');
      gate.open('late');
      await late.apply({ ...of(gate.step('late')), timeoutSeconds: 900 });
      const { platform } = await late.ready();
      expect(platform).toMatchObject({ build: 'web-arm64-2', attempt: 1 });
    });

    test('whose pod somebody deletes is tried again', async () => {
      await gate.reached('robbed');
      await kubectl('delete', ...podOf(robbed, 'web-arm64-1'), '--force', '--grace-period=0');
      gate.open('robbed');
      const { platform } = await robbed.ready();
      expect(platform).toMatchObject({ build: 'web-arm64-2', attempt: 2 });
      expect((await robbed.builds()).at(0)?.status).toMatchObject({ phase: 'Error', reason: 'BuildPodDeleted' });
    });

    test('that no node takes says what is missing, and is built when less is asked', async () => {
      const { messages, platform } = await huge.until(({ conditions }) => conditions['Ready'] === 'False WaitingForNode');
      expect(messages['Ready']).toMatch(/no node takes the pod of build web-arm64-1: .*Insufficient cpu/);
      expect(platform?.state).toBe('Waiting');
      await huge.apply(of('RUN echo huge'));
      await huge.ready();
    });

    test('that ran out of memory says so, and is started again when it gets more', async () => {
      await starved.until(({ conditions }) => conditions['Ready'] === 'False WaitingForNode');
      // Nobody limits memory in a box: so what a kubelet says of it.
      const terminated = { exitCode: 137, reason: 'OOMKilled' };
      const container = { name: 'docker-build', image: '', imageID: '', ready: false, restartCount: 0 };
      const status = { phase: 'Failed', containerStatuses: [{ ...container, state: { terminated } }] };
      const patch = ['--type=merge', '--subresource=status', '-p', JSON.stringify({ status })];
      await kubectl('patch', ...podOf(starved, 'web-arm64-1'), ...patch);
      const { messages } = await starved.stalled('OutOfMemory');
      expect(messages['Stalled']).toContain('raise spec.resources.limits.memory');
      await starved.apply({ ...of('RUN echo starved'), resources: { limits: { memory: '1Gi' } } });
      const { platform } = await starved.ready();
      expect(platform?.build).toBe('web-arm64-2');
    });

    test('waits for a Secret that is named, where the operator may see its name', async () => {
      const { messages } = await named.stalled('SecretMissing');
      expect(messages['Stalled']).toContain('Secret hook');
      expect(await named.builds()).toEqual([]);
      await kubectl('-n', 'named', 'create', 'secret', 'generic', 'hook', '--from-literal=WebHookSecretKey=x');
      await named.until(({ conditions }) => conditions['Ready'] === 'True Ready');
      await named.ready();
    });
  });

  describe('a node that loses its emulation', () => {
    test('in mid-build is repaired, and the build is there in the end', async () => {
      await gate.reached('flushed');
      writeFileSync('/proc/sys/fs/binfmt_misc/status', '-1');
      gate.open('flushed');
      await eventually(
        () => flushed.builds(),
        (builds) => builds.some(({ status }) => ['Complete', 'Failed'].includes(status?.phase ?? '')),
      );
      await flushed.until(({ conditions }) => conditions['Ready'] === 'True Ready');
      const { platform } = await flushed.ready();
      expect(platform).toMatchObject({ verified: true, architecture: 'arm64' });
      expect(await flushed.tag()).toBe(platform?.digest);
    });
  });
}; // prettier-ignore
