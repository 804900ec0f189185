/** Words that nobody but the author may read: whether they are anywhere where others look. */
import { describe, expect, test } from '@jest/globals';
import { kubectl } from '../manifests/installation.ts';
import type { GitServer } from '../support/gitserver.ts';
import { subject } from './subject.ts';
import { applyAll, createProjects, eventually, logs, metricsText } from './whole-site.ts';

const canary = (where: string): string => `canary-in-${where}-4711`;
const one = subject('secretive');

const secret = (name: string, type: string, stringData: object): object => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'secretive' }, type, stringData },
});
const auths = { 'registry.example.org': { auth: Buffer.from(`user:${canary('auth')}`).toString('base64') } };

export const beginCanaries = async (base: string, server: GitServer): Promise<void> => {
  await createProjects('secretive');
  await applyAll(
    secret('git', 'kubernetes.io/basic-auth', { username: 'user', password: canary('secret') }),
    secret('hub', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': JSON.stringify({ auths }) }),
    secret('hook', 'Opaque', { WebHookSecretKey: canary('webhook') }),
  );
  const repository = server.repository(`${canary('path')}/sensor`);
  const step = `RUN echo "${canary('log')} $TOKEN" && false`;
  repository.commit({ Dockerfile: `FROM ${base}\nARG TOKEN\n${step}\n` });
  await one.apply({
    source: { git: { uri: repository.uri, ref: 'main' }, secretRef: { name: 'git' } },
    baseImages: [{ from: base, pullSecretRef: { name: 'hub' } }],
    buildArgs: [{ name: 'TOKEN', value: canary('argument') }],
    triggers: { webhooks: [{ type: 'GitHub', secretRef: { name: 'hook' } }] },
  });
};

/** The words of all canaries in a text. */
const seenIn = (text: string): readonly string[] =>
  [...new Set(text.match(/canary-in-\w+-4711/g) ?? [])].sort();

export const canaries = (): void => {
  describe('what is secret', () => {
    test('is in the log of a build that prints it, and in what OpenShift makes of that', async () => {
      await one.stalled('DockerfileStepFailed');
      // That it failed may be said before what it printed last.
      const build = await eventually(
        async () => (await one.builds()).at(0),
        (seen) => seen?.status?.logSnippet !== undefined,
      );
      expect(seenIn(build?.status?.logSnippet ?? '')).toEqual([canary('argument'), canary('log')]);
    });

    test('is in no status', async () => {
      const { object } = await one.stalled('DockerfileStepFailed');
      expect(JSON.stringify(object.status)).toContain('/webhooks/<secret>/github');
      expect(seenIn(JSON.stringify(object.status))).toEqual([]);
    });

    test('is in no Event', async () => {
      const events = await eventually(
        () => kubectl('get', 'events.events.k8s.io', '--all-namespaces', '-o', 'json'),
        (seen) => seen.includes('DockerfileStepFailed'),
      );
      expect(events).toContain('DockerfileStepFailed');
      expect(seenIn(events)).toEqual([]);
    });

    test('is in no line of the operator’s log, and in no metric', async () => {
      const [lines, metrics] = await Promise.all([logs(), metricsText()]);
      expect(lines).toContain('edgebuild runs');
      expect(metrics).toContain('edgebuild_builds_total');
      expect([seenIn(lines), seenIn(metrics)]).toEqual([[], []]);
    });
  });
}; // prettier-ignore
