import { expect, test } from '@jest/globals';
import { type Build, type BuildStatus, type Pod } from './kinds.ts';
import { active, completed, snippetOf, statusAfter, transition } from './phases.ts';
import { recorded } from './recorded.ts';

const build = (status: Partial<BuildStatus> = {}): Build => ({
  ...recorded('build-pending.json'),
  status: { phase: 'Pending', ...status },
});
const pod = (status: NonNullable<Pod['status']>, metadata: object = {}): Pod => ({
  ...{
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app-1-build', namespace: 'e2e', ...metadata },
    status,
  },
});
const ended = (name: string, message: string, reason = 'Error') => ({
  ...{ name, state: { terminated: { exitCode: 1, reason, message } } },
});
const has = () => true;

test('a finished Build of OpenShift stays as it is', () => {
  const complete = recorded('build-complete-real-kubelet.json');
  expect(completed(complete, pod({ phase: 'Succeeded' }))).toBeUndefined();
  const failed = recorded('builds/fail-run.json');
  expect(completed(failed, pod({ phase: 'Failed' }))).toBeUndefined();
});

test('a Build that its pod has failed gets its times and its snippet, and keeps its reason', () => {
  const { completionTimestamp, logSnippet, duration, ...said } = recorded('builds/fail-run.json').status ?? { phase: 'Failed' as const }; // prettier-ignore
  const failed = { ...recorded('builds/fail-run.json'), status: said };
  const message = `${'x\n'.repeat(9)}${logSnippet ?? ''}\n`;
  const its = pod({ phase: 'Failed', containerStatuses: [ended('docker-build', message)] });
  const update = completed(failed, its);
  expect(update).toEqual({});
  const status = statusAfter(failed, update ?? {}, its, completionTimestamp ?? '');
  expect(status).toEqual({ ...said, completionTimestamp, logSnippet, duration });
});

test('the source is fetched: the Build runs, though its pod is pending', () => {
  const fetching = { name: 'git-clone', state: { running: {} } };
  const startTime = '2026-01-02T03:04:05Z';
  const its = pod({ phase: 'Pending', startTime, initContainerStatuses: [fetching] });
  expect(active(build(), its, has)).toEqual({ ...transition('Running'), startTimestamp: startTime });
  const managing = { name: 'manage-dockerfile', state: { running: {} } };
  expect(active(build(), pod({ phase: 'Pending', initContainerStatuses: [managing] }), has)).toBeUndefined();
});

test('what a failed pod was is said by its reason', () => {
  const reasonOf = (its: Pod) => active(build({ phase: 'Running' }), its, has)?.reason;
  expect(reasonOf(pod({ phase: 'Failed', containerStatuses: [ended('docker-build', '', 'OOMKilled')] }))).toBe('OutOfMemoryKilled'); // prettier-ignore
  expect(reasonOf(pod({ phase: 'Failed', initContainerStatuses: [ended('git-clone', '', 'OOMKilled')] }))).toBe('OutOfMemoryKilled'); // prettier-ignore
  expect(reasonOf(pod({ phase: 'Failed', reason: 'Evicted', message: 'low' }))).toBe('BuildPodEvicted');
  expect(reasonOf(pod({ phase: 'Failed', reason: 'DeadlineExceeded' }))).toBe('GenericBuildFailed');
  expect(reasonOf(pod({ phase: 'Failed' }, { deletionTimestamp: 'now' }))).toBe('BuildPodDeleted');
  expect(active(build(), undefined, has)?.reason).toBe('BuildPodDeleted');
});

test('an out-of-memory kill is said even where the builder took it for a failing step', () => {
  const said = build({ phase: 'Failed', reason: 'DockerBuildFailed', message: 'x' });
  const its = pod({ phase: 'Failed', containerStatuses: [ended('docker-build', 'y', 'OOMKilled')] });
  const status = statusAfter(said, completed(said, its) ?? {}, its, '2026-01-02T03:04:05Z');
  expect(status).toMatchObject({ phase: 'Failed', reason: 'OutOfMemoryKilled', logSnippet: 'y' });
});

test('a snippet has five lines of at most 120 bytes, the middle of a longer one gone', () => {
  const long = `${'a'.repeat(60)}${'b'.repeat(61)}`;
  const its = pod({ containerStatuses: [ended('docker-build', `0\n1\n2\n3\n4\n${long}\n`)] });
  expect(snippetOf(its)).toBe(`1\n2\n3\n4\n${'a'.repeat(58)}...${'b'.repeat(59)}`);
});
