import { describe, expect, test } from '@jest/globals';
import type { EdgeBuild } from '../../src/api/edgebuild.ts';
import { failureLines, summaryTable, whatNext } from '../../src/cli/summary.ts';
import type { LocalBuildOutcome, PlatformOutcome } from '../../src/edgebuild/local.ts';

const succeeded: PlatformOutcome = {
  platform: 'linux/arm64',
  execution: 'Emulated',
  state: 'Succeeded',
  reason: 'BuildComplete',
  message: 'built in 2m42s under emulation',
  architecture: 'arm64',
  proof: 'uname -m: aarch64',
  digest: `sha256:0123456789abcdef${'0'.repeat(48)}`,
  size: 214_300_000,
  seconds: 162,
  output: [],
};

const failed: PlatformOutcome = {
  platform: 'linux/arm/v7',
  execution: 'Emulated',
  state: 'Failed',
  reason: 'DockerfileStepFailed',
  message: 'Dockerfile:3: RUN make ended with 2',
  seconds: 4.2,
  output: ['make: *** No targets.', '\u001b[2Jmake: stop'],
};

const outcome = (
  platforms: readonly PlatformOutcome[],
  ready: {
    status: 'True' | 'False';
    reason: 'Ready' | 'NotPublished' | 'PublishFailed' | 'DockerfileStepFailed';
    message: string;
  },
): LocalBuildOutcome => ({
  edgeBuild: {
    metadata: { name: 'web' },
    status: {
      conditions: [
        { type: 'Ready', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z', ...ready },
      ],
    },
  } as unknown as EdgeBuild,
  platforms,
  ready: ready.status === 'True',
});

describe('the summary', () => {
  test('is a table of one line a platform', () => {
    expect(summaryTable([succeeded, failed])).toEqual([
      'PLATFORM      RESULT     EXECUTION  ARCHITECTURE  PROOF              DIGEST               SIZE      TIME',
      'linux/arm64   Succeeded  Emulated   arm64         uname -m: aarch64  sha256:0123456789ab  214.3 MB  2m42s',
      'linux/arm/v7  Failed     Emulated   -             -                  -                    -         4s',
    ]);
  });

  test('says nothing of failures when all is done', () => {
    expect(failureLines(outcome([succeeded], { status: 'True', reason: 'Ready', message: '' }))).toEqual([]);
  });

  test('says of each failed platform why, with its last output made safe, and what to do', () => {
    const lines = failureLines(
      outcome([succeeded, failed], {
        status: 'False',
        reason: 'NotPublished',
        message: '1 of 2 platforms failed',
      }),
    );
    expect(lines).toEqual([
      'linux/arm/v7: DockerfileStepFailed: Dockerfile:3: RUN make ended with 2',
      '  its last output:',
      '  | make: *** No targets.',
      '  | make: stop',
      '  DockerfileStepFailed means: a step of the Dockerfile failed: the message has its line, or names the log that has it',
      'web: NotPublished: 1 of 2 platforms failed',
      '  NotPublished means: nothing was published: the destination is as it was',
    ]);
  });

  test('does not say the same of the object as of its platform', () => {
    const lines = failureLines(
      outcome([failed], { status: 'False', reason: 'DockerfileStepFailed', message: 'linux/arm/v7 failed' }),
    );
    expect(lines.join('\n')).not.toContain('web:');
  });

  test('says why nothing was written although every platform was built', () => {
    const lines = failureLines(
      outcome([succeeded], { status: 'False', reason: 'PublishFailed', message: 'registry.example: 401' }),
    );
    expect(lines[0]).toBe('web: PublishFailed: registry.example: 401');
  });
});

describe('what to do next', () => {
  test.each([
    [
      'oci-archive',
      './web.oci.tar',
      ['image: oci-archive:./web.oci.tar', 'on the device: podman load -i ./web.oci.tar'],
    ],
    [
      'docker-archive',
      "it's.tar",
      [
        "image: docker-archive:it's.tar",
        "on the device: podman load -i 'it'\\''s.tar', or docker load -i 'it'\\''s.tar'",
      ],
    ],
    ['oci', 'layout', ['image: oci:layout', 'on the device: podman pull oci:layout']],
    [
      'docker',
      'quay.io/a/b:1',
      ['image: docker://quay.io/a/b:1', 'on the device: podman pull quay.io/a/b:1'],
    ],
  ] as const)('with %s', (transport, target, lines) => {
    expect(whatNext({ transport, target })).toEqual(lines);
  });
});
