import { describe, expect, test } from '@jest/globals';
import { freePorts } from '../cluster/ports.ts';
import { busyboxOf } from '../support/bases.ts';
import { exitWithEffectiveUser, segmentationFault } from '../support/programs.ts';
import { bytesOf, conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const tools = [
  { name: 'crash', body: segmentationFault, mode: 0o755 },
  { name: 'foreign', body: busyboxOf('linux/s390x'), mode: 0o755 },
  { name: 'effective-user', body: exitWithEffectiveUser, mode: 0o755 },
];
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64', members: tools })}`];
const old = Buffer.from('what was there before');
const [port = 0] = await freePorts(1);

interface Expected {
  readonly reason: string;
  readonly attempt: number;
  /** What the message or the last output says. */
  readonly words: readonly (string | RegExp)[];
}
type Spec = Readonly<Record<string, unknown>>;
const from = 'FROM base';

describe('a failure is classed, told with its step and line, retried if that may help, and changes nothing', () => {
  test.each<[string, Spec, Expected]>([
    [
      'a step fails',
      inline('# a comment', from, 'RUN echo last words && exit 3'),
      {
        reason: 'DockerfileStepFailed',
        attempt: 1,
        words: ['step 2/2, line 3', 'exit status 3', '| last words'],
      },
    ],
    [
      'a program crashes under emulation',
      { ...inline(from, 'RUN /crash'), retry: { limit: 2 } },
      {
        reason: 'EmulatorCrashed',
        attempt: 3,
        words: ['step 2/2, line 2', 'qemu: uncaught target signal 11', 'attempt 3 of 3'],
      },
    ],
    [
      'a program crashes, and nothing is to be retried',
      { ...inline(from, 'RUN /crash'), retry: { limit: 0 } },
      { reason: 'EmulatorCrashed', attempt: 1, words: [] },
    ],
    [
      'a network does not answer',
      { ...inline(from, `RUN wget http://127.0.0.1:${port}/file`), retry: { limit: 1 } },
      { reason: 'NetworkFailed', attempt: 2, words: ['Connection refused', 'attempt 2 of 2'] },
    ],
    [
      'a program of another architecture is started',
      inline(from, 'RUN ["/foreign", "true"]'),
      { reason: 'ExecFormatError', attempt: 1, words: [/exec format error/i] },
    ],
    [
      'the kernel kills a step',
      inline(from, 'RUN echo big && kill -9 $$'),
      { reason: 'OutOfMemory', attempt: 1, words: ['step 2/2, line 2', 'killed'] },
    ],
    [
      'a step hangs',
      { ...inline(from, 'RUN echo hanging && sleep 600'), timeoutSeconds: 5, retry: { limit: 2 } },
      { reason: 'TimedOut', attempt: 1, words: ['not built in timeoutSeconds (5)'] },
    ],
    [
      'a file to copy is not there',
      inline(from, 'COPY nothing /'),
      { reason: 'DockerfileStepFailed', attempt: 1, words: ['line 2', 'nothing'] },
    ],
    [
      'the program that the image starts is of another architecture',
      inline(from, 'CMD ["/foreign"]'),
      { reason: 'VerificationFailed', attempt: 1, words: ['/foreign', 's390x'] },
    ],
    [
      'the program that the image starts is not there',
      inline(from, 'CMD ["/nothing"]'),
      { reason: 'VerificationFailed', attempt: 1, words: ['/nothing'] },
    ],
    [
      'the image’s own uname answers with another machine',
      inline(
        from,
        String.raw`RUN rm /bin/uname && printf '#!/bin/sh\necho x86_64\n' >/bin/uname && chmod 755 /bin/uname`,
      ),
      { reason: 'ProofFailed', attempt: 1, words: ['uname -m in the image answered x86_64', 'not aarch64'] },
    ],
    [
      'the smoke command fails',
      { ...inline(from), verify: { command: ['sh', '-c', 'echo not good; exit 5'] } },
      { reason: 'SmokeCommandFailed', attempt: 1, words: ['verify.command', 'exit status 5', '| not good'] },
    ],
    [
      'the smoke command is not there',
      { ...inline(from), verify: { command: ['/nothing'] } },
      { reason: 'SmokeCommandFailed', attempt: 1, words: ['verify.command (/nothing)'] },
    ],
    [
      'the smoke command crashes under emulation',
      { ...inline(from), verify: { command: ['/crash'] }, retry: { limit: 1 } },
      { reason: 'EmulatorCrashed', attempt: 2, words: ['qemu: uncaught target signal 11'] },
    ],
  ])('%s', async (_, spec, { reason, attempt, words }) => {
    shop.write('app.oci.tar', old);
    const ended = await shop.build(spec, base);
    expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason, attempt });
    const told = `${platformOf(ended).message}\n${ended.stderr}`;
    for (const word of words)
      expect(told).toMatch(
        typeof word === 'string' ? new RegExp(word.replaceAll(/[()[\]|.*+?]/g, String.raw`\$&`)) : word,
      );
    expect(conditionOf(ended, 'Ready')).toMatchObject({ status: 'False', reason });
    expect(conditionOf(ended, 'Stalled')).toMatchObject({ status: 'True', reason });
    expect(ended.status).toBe(1);
    expect(bytesOf(shop.path('app.oci.tar'))).toEqual(old);
    expect(await shop.remains()).toEqual([]);
  });
});

describe('the proofs of a good image', () => {
  test('the smoke command runs as its user, in its directory, with its environment', async () => {
    const check = '[ "$(id -u)" = 1000 ] && [ "$PWD" = /srv/app ] && [ "$GREETING" = "hello there" ]';
    const ended = await shop.build(
      {
        ...inline(
          from,
          'RUN mkdir -p /srv/app',
          'ENV GREETING="hello there"',
          'WORKDIR /srv/app',
          'USER app',
        ),
        verify: { command: ['sh', '-c', check] },
      },
      base,
    );
    expect(platformOf(ended)).toMatchObject({ state: 'Succeeded', verified: true });
    expect(ended.status).toBe(0);
  });

  test('an image without uname is proven by its files alone', async () => {
    const bare = shop.base('bare', { platform: 'linux/arm64', without: ['uname'] });
    const file = shop.write(
      'bare.json',
      JSON.stringify({
        ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name: 'bare' } },
        spec: inline('FROM bare', 'RUN echo built'),
      }),
    );
    const ended = await shop.edgebuild(['build', '-f', file, '--base', `bare=${bare}`]);
    expect(ended.stdout).toMatch(/^linux\/arm64 +Succeeded +Emulated +arm64 +no uname in the image /m);
    expect(ended.status).toBe(0);
  });

  test('nothing is checked where the author says Skip, and the object says so', async () => {
    const ended = await shop.build(
      { ...inline(from, 'CMD ["/foreign"]'), verify: { architecture: 'Skip' } },
      base,
    );
    expect(conditionOf(ended, 'Verified')).toMatchObject({ status: 'True', reason: 'VerificationSkipped' });
    expect(platformOf(ended)).toMatchObject({ state: 'Succeeded', verified: false });
    expect(ended.status).toBe(0);
  });
});
