import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Reason, reasons } from '../../src/api/conditions.ts';
import { nextStep } from '../../src/cli/next-step.ts';
import { isSettled, type Verdict, verdictOf } from '../../src/cli/standing.ts';
import { listLines } from '../../src/cli/status-list.ts';
import { liveLines, statusLines } from '../../src/cli/status-text.ts';
import { liveStatus, plainStatus } from '../../src/cli/status-watch.ts';
import { paintWith } from '../../src/cli/terminal.ts';
import type { PlatformFacts } from '../../src/edgebuild/facts.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { statusOf } from '../../src/edgebuild/status.ts';
import { arbitraryFacts } from '../edgebuild/facts.ts';
import { at, bare, building, built, failed, published, storedWith, waiting } from './statuses.ts';
import { sink } from './sink.ts';

const plain = paintWith(false);
const view = { now: Date.parse(at(600)), paint: plain, server: 'https://api.example.org:6443' };
const linesOf = (object: StoredEdgeBuild): readonly string[] => statusLines(object, view);
const textOf = (object: StoredEdgeBuild): string => linesOf(object).join('\n');

const refusal = { reason: 'InvalidSpec', message: 'spec.platforms[0]: Unsupported value' } as const;
const blocker = { reason: 'OutputTaken', message: 'EdgeBuild old is older' } as const;
const cancelled: PlatformFacts = {
  ...built,
  ...({ state: 'Cancelled', reason: 'Cancelled', message: 'it was cancelled' } as const),
};

describe('one EdgeBuild', () => {
  test('that is ready: how it was built, the image and how to get it, and where webhooks are called', () => {
    const path =
      '/apis/build.openshift.io/v1/namespaces/shop/buildconfigs/web-arm64/webhooks/<secret>/github';
    const object = storedWith([built], {
      published,
      webhooks: [{ type: 'GitHub', platform: 'linux/arm64', path }],
      deployed: { status: 'True', reason: 'Deployed', message: '1 of 1 pods run' },
    });
    const digest = 'sha256:abababababababababababababababababababababababababababababababab';
    expect(linesOf(object)).toEqual([
      'web in shop is ready: linux/arm64 built, verified and published, and running.',
      '',
      'PLATFORM     STATE      HOW       BUILD        ATTEMPT  TIME   REASON',
      'linux/arm64  Succeeded  Emulated  web-arm64-3  1        2m42s  BuildComplete',
      '',
      'log:      oc logs -n shop build/web-arm64-3',
      '',
      `image:    image-registry.openshift-image-registry.svc:5000/shop/web@${digest}`,
      '          published 6m ago',
      `          pull it: oc registry login && podman pull "$(oc registry info --public)/shop/web@${digest}"`,
      '',
      'deploy:   1 of 1 pods run',
      '',
      `webhooks: GitHub  linux/arm64  https://api.example.org:6443${path}`,
    ]);
  });

  test('of which one platform failed: why, what to do, its log, and what users still pull', () => {
    const object = storedWith([built, failed], { previous: { image: published } });
    expect(linesOf(object).slice(0, 14)).toEqual([
      'web in shop is not ready, and a person must act.',
      '',
      'PLATFORM     STATE      HOW       BUILD        ATTEMPT  TIME   REASON',
      'linux/arm64  Succeeded  Emulated  web-arm64-3  1        2m42s  BuildComplete',
      'linux/s390x  Failed     Emulated  web-s390x-1  3        12s    DockerfileStepFailed',
      '',
      'why:      linux/s390x: a step of the Dockerfile failed in build web-s390x-1',
      `          DockerfileStepFailed means: ${reasons.DockerfileStepFailed}`,
      '',
      'next:     read its log and mend what it shows; then apply the EdgeBuild again, or, if the change is in git, oc start-build -n shop web-s390x',
      '',
      'log:      oc logs -n shop build/web-s390x-1',
      '',
      `image:    ${published.reference}`,
    ]);
    expect(textOf(object)).toContain('still what users pull: nothing newer was published');
  });

  test('that is being built: the time so far, and its log to be followed', () => {
    const other = { ...waiting, platform: 'linux/386', reason: 'BaseImagesPending', message: 'importing debian' } as const; // prettier-ignore
    expect(linesOf(storedWith([building, other]))).toEqual([
      'web in shop is not ready yet: work is under way.',
      '',
      'PLATFORM     STATE     HOW       BUILD        ATTEMPT  TIME           REASON',
      'linux/arm64  Building  Emulated  web-arm64-3  1        10m00s so far  Building',
      'linux/386    Waiting   Emulated  -            -        -              BaseImagesPending',
      '',
      'why:      linux/arm64: building under emulation on worker-1',
      '          linux/386: importing debian',
      `          BaseImagesPending means: ${reasons.BaseImagesPending}`,
      '',
      'next:     wait for it: edgebuild status web -n shop --watch',
      '',
      'log:      oc logs -f -n shop build/web-arm64-3',
    ]);
  });

  test('whose object is wrong has no platforms', () => {
    expect(linesOf(storedWith([], { refusal }))).toEqual([
      'web in shop is not ready, and a person must act.',
      '',
      'why:      spec.platforms[0]: Unsupported value',
      `          InvalidSpec means: ${reasons.InvalidSpec}`,
      '',
      'next:     correct what the message names, and apply the EdgeBuild again',
    ]);
  });

  test('that no operator has looked at', () => {
    expect(linesOf(bare())).toEqual([
      'web in shop is not ready yet: the operator has not looked at it.',
      '',
      'next:     see whether the operator runs: kubectl get pods -n edgebuild-system',
    ]);
  });

  test('is explained once for platforms of the same reason', () => {
    const text = textOf(storedWith([waiting, { ...waiting, platform: 'linux/s390x' }]));
    expect(text.match(/EmulationUnavailable means/g)).toHaveLength(1);
    expect(text.match(/kubectl get nodeemulation/g)).toHaveLength(1);
  });

  test.each<[Verdict, boolean, string, StoredEdgeBuild]>([
    ['Ready', true, 'all is done', storedWith([built], { published })],
    ['Stalled', true, 'a platform failed', storedWith([failed])],
    ['Stalled', true, 'it cannot be used', storedWith([], { refusal })],
    ['Stalled', true, 'its tag is taken', storedWith([built], { blocker })],
    ['Over', true, 'its build was cancelled', storedWith([cancelled])],
    ['Working', false, 'it is built', storedWith([building])],
    ['Working', false, 'a platform failed, and one is built', storedWith([building, failed])],
    ['Working', false, 'it is about to be published', storedWith([built], { isPublishing: true })],
    ['Working', false, 'bases are imported', storedWith([{ ...waiting, reason: 'BaseImagesPending' }])],
    ['Waiting', false, 'no node emulates', storedWith([waiting])],
    ['Waiting', false, 'it is suspended', storedWith([{ ...waiting, reason: 'Suspended' }])],
    ['Unseen', false, 'it is new', bare()],
    ['Outdated', false, 'it was changed', { ...storedWith([built], { published }), metadata: { ...bare().metadata, generation: 4 } }],
    ['Deleting', false, 'it goes', { ...bare(), metadata: { ...bare().metadata, deletionTimestamp: at(1) } }],
  ])('%s, settled %s: %s', (verdict, settled, _, object) => {
    expect(verdictOf(object)).toBe(verdict);
    expect(isSettled(verdictOf(object))).toBe(settled);
  }); // prettier-ignore

  test('says something sensible of whatever an operator can find', () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        const { metadata, ...object } = bare();
        const { generation } = facts;
        const stored = { ...object, metadata: { ...metadata, generation } };
        const text = textOf({ ...stored, status: statusOf(facts, undefined, at(0)) });
        expect(text).not.toMatch(/undefined|null|NaN|\[object/);
        expect(text.split('\n')[0]).toMatch(/^web in shop is .*\.$/);
      }),
    );
  });

  test('shows no control character of what a cluster says, and quotes what is pasted into a shell', () => {
    const evil = '\u001b]0;owned\u0007\nimage: fake\u202e';
    const object = storedWith([
      { ...failed, message: evil, build: 'x; rm -rf ~', reason: evil as Reason, architecture: evil },
    ]);
    const text = textOf({ ...object, status: { ...object.status, image: { ...published, reference: `a/b$(${evil})` } } }); // prettier-ignore
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text.split('\n').filter((line) => line.startsWith('image: fake'))).toEqual([]);
    expect(text).toContain("oc logs -n shop 'build/x; rm -rf ~'");
    expect(text).not.toContain('podman pull');
  });

  test('of a build that is over, and does not say when, has no time so far', () => {
    const { completionTime: _, ...open } = failed;
    expect(textOf(storedWith([open]))).toContain('web-s390x-1  3        -     DockerfileStepFailed');
  });

  test('of a newer operator shows reasons that are not known', () => {
    const text = textOf(storedWith([{ ...failed, reason: 'NeverHeardOf' as Reason }]));
    expect(text).toContain('NeverHeardOf');
    expect(text).not.toContain('NeverHeardOf means');
    expect(text).toContain('next:     correct what the message names');
  });

  test('has colours where they are wanted', () => {
    const text = statusLines(storedWith([built, failed]), { ...view, paint: paintWith(true) }).join('\n');
    expect(text).toContain('\u001b[32mSucceeded\u001b[39m');
    expect(text).toContain('\u001b[31mFailed\u001b[39m');
    expect(textOf(storedWith([built, failed]))).not.toContain('\u001b');
  });
});

test('every reason for not being ready has something to do about it', () => {
  const good = ['Ready', 'BuildComplete', 'EmulationProven', 'EmulationNotNeeded', 'BaseImagesFound'];
  const alsoGood = ['BaseImagesNotNamed', 'Verified', 'VerificationSkipped', 'Published', 'Deployed'];
  const subject = { name: 'web', namespace: 'shop', platform: 'linux/arm64', build: 'web-arm64-1' } as const;
  const silent = Object.keys(reasons).filter((reason) => nextStep(reason, subject) === undefined);
  expect(silent.toSorted()).toEqual([...good, ...alsoGood].toSorted());
});

describe('many EdgeBuilds', () => {
  const all = [
    storedWith([built], { published }),
    storedWith([built, failed], { name: 'api' }),
    bare('new'),
    {
      ...storedWith([built], { published, name: 'old' }),
      metadata: { ...bare('old').metadata, generation: 4 },
    },
  ];

  test('are a table by name', () => {
    expect(listLines(all, { now: view.now, paint: plain, withNamespace: false })).toEqual([
      'NAME  READY    REASON                BUILT  IMAGE                AGE',
      'api   False    DockerfileStepFailed  1/2    -                    10m',
      'new   Unknown  -                     -      -                    10m',
      'old   Unknown  -                     1/1    sha256:abababababab  10m',
      'web   True     Ready                 1/1    sha256:abababababab  10m',
    ]);
  });

  test('of all namespaces begin with theirs', () => {
    const [heading, first] = listLines(all, { now: view.now, paint: plain, withNamespace: true });
    expect(heading).toMatch(/^NAMESPACE {2}NAME /);
    expect(first).toMatch(/^shop {7}api /);
  });
});

describe('watching', () => {
  test('without a terminal says each change once, with the time', () => {
    const { state, ...where } = sink();
    const watched = plainStatus(where);
    for (const objects of [
      [bare()],
      [storedWith([building])],
      [storedWith([building])],
      [storedWith([built], { published })],
      [],
    ]) {
      watched.show(objects);
      state.milliseconds += 30_000;
    }
    watched.silence('list edgebuilds: connect ECONNREFUSED', 2100);
    watched.silence('list edgebuilds: connect ECONNREFUSED', 4100);
    watched.end();
    expect(state.text.split('\n')).toEqual([
      '    0s  shop/web  is not ready yet: the operator has not looked at it.',
      '   30s  shop/web linux/arm64  Building (web-arm64-3): building under emulation on worker-1',
      '   30s  shop/web  is not ready yet: work is under way.',
      ' 1m30s  shop/web linux/arm64  Succeeded (web-arm64-3): built in 2m42s under emulation on worker-1',
      ' 1m30s  shop/web  is ready: linux/arm64 built, verified and published.',
      ' 2m00s  shop/web linux/arm64  is gone',
      ' 2m00s  shop/web  is gone',
      ' 2m30s  no news of the cluster, tried again in 3s: list edgebuilds: connect ECONNREFUSED',
      '',
    ]);
  });

  test('on a terminal redraws in place, never more than its rows, and leaves nothing', () => {
    const { state, ...where } = sink();
    const lines = (objects: readonly StoredEdgeBuild[]) => objects.flatMap((one) => liveLines(one, view));
    const watched = liveStatus({ ...where, height: () => 4 }, lines);
    watched.show([storedWith([building])]);
    watched.show([storedWith([built], { published })]);
    watched.end();
    const frames = state.text.split(/\r\u001b\[(?:\d+)A\u001b\[J/);
    expect(frames.map((frame) => frame.replaceAll(/\u001b\[\?7[lh]/g, '').split('\n'))).toEqual([
      [
        'web in shop is not ready yet: work is under way.',
        'PLATFORM     STATE     HOW       BUILD        ATTEMPT  TIME           REASON',
        '…',
        '',
      ],
      [
        'web in shop is ready: linux/arm64 built, verified and published.',
        'PLATFORM     STATE      HOW       BUILD        ATTEMPT  TIME   REASON',
        'linux/arm64  Succeeded  Emulated  web-arm64-3  1        2m42s  BuildComplete',
        '',
      ],
      [''],
    ]);
  });
});
