import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformStates, reasons, type Reason } from '../../../src/api/conditions.ts';
import { buildState, isOver, numberOf } from '../../../src/engines/openshift/build-state.ts';
import { nodeSelectorOf } from '../../../src/engines/openshift/where.ts';
import { type Build, buildPhases, type BuildPod } from '../../../src/engines/openshift/types.ts';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../openshift/recordings', name), 'utf8'));
const recorded = (name: string): Build => read(name) as Build;

const build = (status: Build['status'], spec: Build['spec'] = {}): Build => ({
  ...{ apiVersion: 'build.openshift.io/v1', kind: 'Build', metadata: { name: 'web-arm64-3', namespace: 'team-1' } },
  spec: { nodeSelector: nodeSelectorOf('linux/arm64', 'Emulated'), ...spec },
  ...(status === undefined ? {} : { status }),
}); // prettier-ignore

const pod = (status: BuildPod['status'], nodeName?: string): BuildPod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-arm64-3-build' } },
  ...(nodeName === undefined ? {} : { spec: { nodeName } }),
  ...(status === undefined ? {} : { status }),
});

const stateOf = (one: Build, its?: BuildPod) => buildState(one, its, 'linux/arm64');
const failed = (reason: string, ...log: readonly string[]): Build =>
  build({ phase: 'Failed', reason, logSnippet: log.join('\n') });

describe('a build as a real OpenShift had it', () => {
  test.each<[string, string, Reason]>([
    ['git does not answer', 'builds/fail-git.json', 'NetworkFailed'],
    ['a base that there is not', 'builds/fail-pull.json', 'BaseImageUnavailable'],
    ['a push that failed', 'builds/fail-push.json', 'BuilderFailed'],
    ['a step that failed', 'builds/fail-run.json', 'DockerfileStepFailed'],
    ['an instruction that there is not', 'builds/fail-syntax.json', 'DockerfileInvalid'],
    ['a foreign program without emulation', 'builds/no-binfmt.json', 'ExecFormatError'],
    ['the builder itself', 'build-failed-init.json', 'BuilderFailed'],
  ])('%s', (_, file, reason) => {
    expect(stateOf(recorded(file))).toMatchObject({ state: 'Failed', reason });
  });

  test.each(['builds/git.json', 'builds/legacy-arm.json', 'build-complete-real-kubelet.json'])(
    '%s succeeded, and says its digest',
    (file) => {
      const one = recorded(file);
      expect(stateOf(one)).toMatchObject({
        state: 'Succeeded',
        reason: 'BuildComplete',
        digest: one.status?.output?.to?.imageDigest,
        completionTime: one.status?.completionTimestamp,
        attempt: 1,
      });
    },
  );

  test('whose pod no node takes', () => {
    expect(stateOf(recorded('build-pending.json'), read('build-pod.json') as BuildPod)).toMatchObject({
      state: 'Waiting',
      reason: 'WaitingForNode',
      message: 'no node takes the pod of build app-1: no nodes available to schedule pods',
    });
  });

  test('has its number from OpenShift', () => {
    expect(numberOf(recorded('build-complete.json'))).toBe(4);
    const { annotations: _, ...metadata } = recorded('build-complete.json').metadata;
    expect(numberOf({ ...build(undefined), metadata })).toBe(4);
  });
});

describe('the failure of a build', () => {
  const proof = "RUN /bin/sh -ic 'machine=$(uname -m); case";
  test.each<[string, Build, Reason]>([
    ['source: not there', failed('FetchSourceFailed', "fatal: repository 'x' not found"), 'FetchSourceFailed'],
    ['source: no host', failed('FetchSourceFailed', 'Could not resolve host: git.example'), 'NetworkFailed'],
    ['source: no such directory', failed('InvalidContextDirectory'), 'FetchSourceFailed'],
    ['Dockerfile: not there', failed('ManageDockerfileFailed'), 'DockerfileInvalid'],
    ['Dockerfile: not readable', failed('DockerBuildFailed', 'error: build error: dockerfile parse error line 3: unknown instruction: RUM'), 'DockerfileInvalid'],
    ['base: its registry does not answer', failed('PullBuilderImageFailed', 'dial tcp: i/o timeout'), 'RegistryUnreachable'],
    ['a step: for want of a network', failed('DockerBuildFailed', "Temporary failure resolving 'deb.debian.org'"), 'NetworkFailed'],
    ['a step: for want of memory', failed('DockerBuildFailed', 'subprocess exited on killed'), 'OutOfMemory'],
    ['a step: for want of space', failed('DockerBuildFailed', 'No space left on device'), 'DiskFull'],
    ['the emulator', failed('DockerBuildFailed', 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped'), 'EmulatorCrashed'],
    ['the proof', failed('DockerBuildFailed', 'edgebuild: uname -m in the image says x86_64, not aarch64'), 'ProofFailed'],
    ['the proof, without a shell', failed('DockerBuildFailed', 'process failed to start with error: fork/exec /bin/sh: no such file or directory', `error: build error: building at STEP "${proof.slice(0, 20)}...`), 'ProofFailed'],
    ['the proof, of a foreign image', failed('DockerBuildFailed', 'fork/exec /bin/sh: exec format error'), 'ExecFormatError'],
    ['the smoke command', failed('DockerBuildFailed', 'edgebuild: verify.command failed with status 7'), 'SmokeCommandFailed'],
    ['the smoke command, for want of memory', failed('DockerBuildFailed', 'sh: out of memory', 'edgebuild: verify.command failed with status 2'), 'OutOfMemory'],
    ['a push', failed('PushImageToRegistryFailed', 'connection refused'), 'BuilderFailed'],
    ['memory, as the pod says', failed('OutOfMemoryKilled'), 'OutOfMemory'],
    ['an eviction', failed('BuildPodEvicted'), 'BuilderFailed'],
    ['a pod that was deleted', build({ phase: 'Error', reason: 'BuildPodDeleted' }), 'BuildPodDeleted'],
    ['a reason of tomorrow', failed('SomethingNew'), 'BuilderFailed'],
    ['no reason at all', build({ phase: 'Failed' }), 'BuilderFailed'],
    ['time, as its length says', build({ phase: 'Failed', reason: 'GenericBuildFailed', duration: 60e9 }, { completionDeadlineSeconds: 60 }), 'TimedOut'],
    ['not time, where there was some left', build({ phase: 'Failed', reason: 'GenericBuildFailed', duration: 59e9 }, { completionDeadlineSeconds: 60 }), 'BuilderFailed'],
  ])('%s', (_, one, reason) => {
    const { message, ...rest } = stateOf(one);
    expect(rest).toMatchObject({ state: 'Failed', reason });
    expect(message).toMatch(/; oc logs -n team-1 build\/web-arm64-3$/);
  }); // prettier-ignore

  test('time, as its pod alone says', () => {
    const one = build({ phase: 'Failed', reason: 'GenericBuildFailed' }, { completionDeadlineSeconds: 60 });
    expect(stateOf(one, pod({ reason: 'DeadlineExceeded' }))).toMatchObject({
      reason: 'TimedOut',
      message: expect.stringContaining('longer than 60 s: raise spec.timeoutSeconds'),
    });
  });

  test('a crash is one of the emulator only where there is one', () => {
    const log = { phase: 'Failed', reason: 'DockerBuildFailed', logSnippet: 'Segmentation fault' } as const;
    const native = build(log, { nodeSelector: nodeSelectorOf('linux/arm64', 'Native') });
    expect(stateOf(build(log)).reason).toBe('EmulatorCrashed');
    expect(stateOf(native)).toMatchObject({ reason: 'DockerfileStepFailed', execution: 'Native' });
  });
});

describe('a build that is not over', () => {
  test.each<[string, Build, BuildPod | undefined, object]>([
    ['new, without any status', build(undefined), undefined, { state: 'Building', reason: 'BuildPending' }],
    ['about to begin', build({ phase: 'Pending' }), pod({ conditions: [{ type: 'PodScheduled', status: 'True' }] }), { state: 'Building', reason: 'BuildPending' }],
    [
      'that cannot begin, and says so',
      build({ phase: 'New', reason: 'InvalidOutputReference' }),
      undefined,
      { state: 'Waiting', reason: 'BuildPending', message: expect.stringContaining('InvalidOutputReference') },
    ],
    [
      'whose pod is being made',
      build({ phase: 'Pending' }),
      pod({ initContainerStatuses: [{ name: 'git-clone', state: { waiting: { reason: 'PodInitializing' } } }], containerStatuses: [{ name: 'docker-build', state: { waiting: { reason: 'ContainerCreating' } } }] }),
      { state: 'Building', reason: 'BuildPending', message: 'the pod of build web-arm64-3 is being made' },
    ],
    [
      'whose pod may lack a Secret',
      build({ phase: 'Pending' }, { source: { sourceSecret: { name: 'git' } }, strategy: { dockerStrategy: { pullSecret: { name: 'hub' } } } }),
      pod({ initContainerStatuses: [{ name: 'git-clone', state: { waiting: { reason: 'PodInitializing' } } }] }),
      { state: 'Building', reason: 'BuildPending', message: 'the pod of build web-arm64-3 is being made; it waits for Secret git and Secret hub if that is not there' },
    ],
    [
      'whose pod cannot be made',
      build({ phase: 'Pending' }),
      pod({ containerStatuses: [{ name: 'docker-build', state: { waiting: { reason: 'ErrImagePull', message: 's3cr3t' } } }] }),
      { state: 'Waiting', reason: 'BuildPending', message: 'build web-arm64-3 cannot begin (ErrImagePull)' },
    ],
    ['under emulation', build({ phase: 'Running' }), pod({}, 'worker-1'), { state: 'Building', reason: 'Building', message: 'building under emulation on worker-1' }],
    ['natively', build({ phase: 'Running' }, { nodeSelector: nodeSelectorOf('linux/arm64', 'Native') }), undefined, { execution: 'Native', message: 'building natively' }],
  ])('%s', (_, one, its, expected) => {
    expect(stateOf(one, its)).toMatchObject(expected);
    expect(isOver(one)).toBe(false);
  }); // prettier-ignore
});

describe('a build that is over', () => {
  test('says how long it took, and where', () => {
    const one = build({ phase: 'Complete', duration: 162e9 });
    expect(stateOf(one, pod({}, 'worker-1')).message).toBe('built in 2m42s under emulation on worker-1');
    expect(stateOf(build({ phase: 'Complete', duration: 59.4e9 })).message).toBe(
      'built in 59s under emulation',
    );
  });

  test('was cancelled', () => {
    expect(stateOf(build({ phase: 'Cancelled' }))).toMatchObject({ state: 'Cancelled', reason: 'Cancelled' });
  });

  test('says which attempt it was', () => {
    const one = build({ phase: 'Complete' });
    const metadata = { ...one.metadata, annotations: { 'edgebuild.io/attempt': '3' } };
    expect(stateOf({ ...one, metadata }).attempt).toBe(3);
  });
});

const canary = 'c4n4ry-0f-a-s3cr3t';
const words = fc.string({ maxLength: 20 });
const anyBuild: fc.Arbitrary<Build> = fc
  .record(
    {
      phase: fc.constantFrom(...buildPhases),
      reason: fc.oneof(fc.constantFrom('DockerBuildFailed', 'FetchSourceFailed', 'PullBuilderImageFailed'), words),
      message: words.map((text) => text + canary),
      logSnippet: fc
        .array(fc.oneof(words, fc.constantFrom(canary, `edgebuild: verify.command failed with status ${canary}`, `exec format error ${canary}`)))
        .map((lines) => lines.join('\n')),
      duration: fc.nat(),
    },
    { requiredKeys: [] },
  )
  .map((status) => build(status)); // prettier-ignore

describe('of any build', () => {
  test('there is a documented reason, and a message in our words alone', () => {
    fc.assert(
      fc.property(anyBuild, (one) => {
        const { state, reason, message } = stateOf(one, pod({}, 'worker-1'));
        expect(platformStates).toContain(state);
        expect(Object.keys(reasons)).toContain(reason);
        expect(message).not.toBe('');
        expect(message).not.toContain(canary);
      }),
      { numRuns: 1000 },
    );
  });
});
