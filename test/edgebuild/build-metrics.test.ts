import { expect, test } from '@jest/globals';
import { countBuilds } from '../../src/edgebuild/build-metrics.ts';
import type { Build } from '../../src/engines/openshift/types.ts';
import { later, now } from './cluster.ts';

type Status = NonNullable<Build['status']>;

const buildOf = (status: Status, uid = 'uid-1'): Build => ({
  ...{ apiVersion: 'build.openshift.io/v1', kind: 'Build', spec: {}, status },
  metadata: { name: 'web-arm64-1', namespace: 'team-1', uid, creationTimestamp: now },
});

/** What was counted, of builds that are shown one after the other. */
const counter = () => {
  const counted: string[] = [];
  const told = countBuilds(
    {
      ended: ({ result, class: reason }, seconds) =>
        counted.push(`${result} ${reason} after ${String(seconds)} s`),
      queued: (seconds) => counted.push(`queued ${String(seconds)} s`),
    },
    Date.parse(now),
  );
  return {
    counted,
    show: (build: Build, at: string) => {
      told({ platforms: [{ platform: 'linux/arm64', builds: [build], pods: new Map() }] }, at);
    },
  };
};

const times = { startTimestamp: later(5), completionTimestamp: later(60) };
const silent: Status = { phase: 'Failed', reason: 'DockerBuildFailed', ...times };
const full = buildOf({ ...silent, logSnippet: 'no space left on device' });
const diskFull = ['failure DiskFull after 55 s', 'queued 5 s'];

test('a build is counted once, when it has ended', () => {
  const { counted, show } = counter();
  show(buildOf({ phase: 'Running', startTimestamp: later(5) }), later(30));
  expect(counted).toEqual([]);
  const complete = buildOf({ phase: 'Complete', ...times });
  for (const seconds of [60, 61, 600]) show(complete, later(seconds));
  expect(counted).toEqual(['success BuildComplete after 55 s', 'queued 5 s']);
});

test('each attempt is counted', () => {
  const { counted, show } = counter();
  show(full, later(60));
  show(buildOf({ ...silent, logSnippet: 'no space left on device' }, 'uid-2'), later(60));
  expect(counted).toEqual([...diskFull, ...diskFull]);
});

test('a failed build is counted by its last words, which come later', () => {
  const { counted, show } = counter();
  show(buildOf(silent), later(60));
  show(buildOf(silent), later(69));
  expect(counted).toEqual([]);
  show(full, later(70));
  expect(counted).toEqual(diskFull);
});

test('a failed build is counted without last words once none are waited for any more', () => {
  const { counted, show } = counter();
  show(buildOf(silent), later(70));
  show(full, later(71));
  expect(counted).toEqual(['failure DockerfileStepFailed after 55 s', 'queued 5 s']);
});

test('a failed build whose reason says all is counted at once', () => {
  const { counted, show } = counter();
  show(buildOf({ ...silent, reason: 'BuildPodDeleted' }), later(60));
  expect(counted).toEqual(['failure BuildPodDeleted after 55 s', 'queued 5 s']);
});

test('a build that does not say yet when it ended is counted when it does', () => {
  const { counted, show } = counter();
  const { completionTimestamp: _, ...early } = silent;
  show(buildOf(early), later(60));
  expect(counted).toEqual([]);
  show(full, later(61));
  expect(counted).toEqual(diskFull);
});

test('what ended before this process began is not counted', () => {
  const { counted, show } = counter();
  show(buildOf({ phase: 'Complete', startTimestamp: later(-60), completionTimestamp: later(-1) }), later(1));
  expect(counted).toEqual([]);
});
