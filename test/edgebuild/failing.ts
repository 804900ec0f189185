/** Each way in which a build fails, by a real build that fails so, and what is said of it. */
import { describe, expect, test } from '@jest/globals';
import { registryHost } from '../cluster/registry.ts';
import type { GitServer } from '../support/gitserver.ts';
import { subject, type Subject } from './subject.ts';
import { createProjects, pushBase } from './whole-site.ts';

interface Bases {
  /** For arm64 and amd64. */
  readonly good: string;
  /** Says that it is for arm64, and holds programs of another architecture. */
  readonly lying: string;
  /** For others than arm64. */
  readonly foreign: string;
}

interface Failure {
  readonly name: string;
  readonly spec: (bases: Bases, server: GitServer) => object;
  readonly reason: string;
  /** What a person is told. */
  readonly says: RegExp;
  /** How many builds there were in the end. */
  readonly builds: number;
}

const inline = (...lines: readonly string[]): object => ({
  source: { dockerfile: `${lines.join('\n')}\n` },
});
/** A repository with nothing but this Dockerfile, on `main`. */
const inGit = (server: GitServer, name: string, ref: string, ...lines: readonly string[]): object => {
  const repository = server.repository(name);
  repository.commit({ Dockerfile: `${lines.join('\n')}\n` });
  return { source: { git: { uri: repository.uri, ref } } };
};

/** A shell that says what it likes of the machine: busybox would not ask a /bin/uname. */
const liar = [
  ...['#!/bin/busybox ash', 'uname() { echo x86_64; }', 'eval "$2"'].map(
    (line) => `echo '${line}' >> /tmp/sh`,
  ),
  ...['chmod 755 /tmp/sh', 'rm /bin/sh', 'cp /tmp/sh /bin/sh'],
].reduce((all, step) => `${all} && ${step}`, 'RUN true');

const secretWords = 'said-by-the-log-alone';

const failures: readonly Failure[] = [
  {
    name: 'step',
    spec: ({ good }) => inline(`FROM ${good}`, `RUN echo ${secretWords} && false`),
    ...{ reason: 'DockerfileStepFailed', says: /a step of the Dockerfile failed/, builds: 1 },
  },
  {
    name: 'unreadable',
    spec: ({ good }) => inline(`FROM ${good}`, 'RUM true'),
    ...{ reason: 'DockerfileInvalid', says: /spec\.source\.dockerfile, line 2\b.*RUM/, builds: 0 },
  },
  {
    name: 'unreadable-in-git',
    spec: ({ good }, server) => inGit(server, 'unreadable', 'main', `FROM ${good}`, 'RUM true'),
    ...{ reason: 'DockerfileInvalid', says: /could not read the Dockerfile/, builds: 1 },
  },
  {
    name: 'format',
    spec: ({ lying }) => ({ ...inline(`FROM ${lying}`, 'RUN true'), retry: { limit: 0 } }),
    ...{ reason: 'ExecFormatError', says: /a program that this node cannot run/, builds: 1 },
  },
  {
    name: 'proof',
    spec: ({ good }) => inline(`FROM ${good}`, liar),
    ...{ reason: 'ProofFailed', says: /uname -m in the built image/, builds: 1 },
  },
  {
    name: 'smoke',
    spec: ({ good }) => ({
      ...inline(`FROM ${good}`, 'RUN true'),
      verify: { command: ['sh', '-c', 'exit 3', `it's "$HOME"\n\`id\` \\`] },
    }),
    ...{ reason: 'SmokeCommandFailed', says: /spec\.verify\.command failed/, builds: 1 },
  },
  {
    name: 'no-shell',
    spec: ({ good }) => ({
      ...inline(`FROM ${good} AS made`, 'FROM scratch', 'COPY --from=made /bin/busybox /busybox'),
      verify: { command: ['/busybox', 'true'] },
    }),
    ...{ reason: 'ProofFailed', says: /has no shell to ask with/, builds: 1 },
  },
  {
    name: 'no-base',
    spec: () => inline(`FROM ${registryHost}/bases/nowhere:1`, 'RUN true'),
    ...{ reason: 'BaseImageUnavailable', says: /bases\/nowhere:1/, builds: 0 },
  },
  {
    name: 'no-base-in-git',
    spec: (_, server) => inGit(server, 'no-base', 'main', `FROM ${registryHost}/bases/nowhere:1`),
    ...{ reason: 'BaseImageUnavailable', says: /could not pull a base image for linux\/arm64/, builds: 1 },
  },
  {
    name: 'foreign-base',
    spec: ({ foreign }) => inline(`FROM ${foreign}`, 'RUN true'),
    ...{ reason: 'BaseImageWrongArchitecture', says: /has no linux\/arm64: what came is amd64/, builds: 0 },
  },
  {
    name: 'no-ref',
    spec: ({ good }, server) => inGit(server, 'no-ref', 'never-pushed', `FROM ${good}`),
    ...{ reason: 'FetchSourceFailed', says: /git\.ref/, builds: 1 },
  },
  {
    name: 'crash',
    spec: ({ good }) => ({ ...inline(`FROM ${good}`, 'RUN kill -SEGV $$'), retry: { limit: 1 } }),
    ...{ reason: 'EmulatorCrashed', says: /a program crashed under emulation/, builds: 2 },
  },
]; // prettier-ignore

const scratch = subject('from-scratch');
const of = ({ name }: Failure): Subject => subject(`fails-${name}`);

export const pushBases = async (): Promise<Bases> => ({
  good: await pushBase('bases/busybox:1', { platform: 'linux/amd64' }, { platform: 'linux/arm64' }),
  lying: await pushBase('bases/lying:1', { platform: 'linux/arm64', programs: 'linux/ppc64le' }),
  foreign: await pushBase('bases/foreign:1', { platform: 'linux/amd64' }, { platform: 'linux/s390x' }),
});

export const beginFailing = async (bases: Bases, server: GitServer): Promise<void> => {
  await createProjects('from-scratch', ...failures.map((failure) => of(failure).namespace));
  for (const failure of failures) await of(failure).apply(failure.spec(bases, server));
  await scratch.apply(
    inline(`FROM ${bases.good} AS made`, 'FROM scratch', 'COPY --from=made /bin/busybox /busybox'),
  );
};

export const failing = (): void => {
  test.each(failures)('$name: $reason', async (failure) => {
    const one = of(failure);
    const { platform, conditions, messages, object } = await one.stalled(failure.reason);
    expect(conditions).toMatchObject({
      Ready: `False ${failure.reason}`,
      Reconciling: expect.stringMatching(/^False /),
    });
    expect(messages['Stalled']).toMatch(failure.says);
    const builds = await one.builds();
    expect(builds.map(({ status }) => status?.phase)).toEqual(Array(failure.builds).fill('Failed'));
    if (failure.builds > 0)
      expect(platform).toMatchObject({
        ...{ state: 'Failed', attempt: failure.builds, build: builds.at(-1)?.metadata.name },
        message: expect.stringContaining(
          `oc logs -n ${one.namespace} build/${builds.at(-1)?.metadata.name ?? ''}`,
        ),
      });
    expect(await one.tag()).toBeUndefined();
    expect(JSON.stringify(object.status)).not.toContain(secretWords);
  });

  describe('what starts from nothing', () => {
    test('is built without asking the shell that it has not', async () => {
      const { platform } = await scratch.ready();
      expect(platform).toMatchObject({ architecture: 'arm64', verified: true });
    });
  });

  test('what was wrong and is right then is built, whatever was before', async () => {
    const [step, foreign] = [subject('fails-step'), subject('fails-foreign-base')];
    await step.apply(inline(`FROM ${registryHost}/bases/busybox:1`, 'RUN true'));
    const image = `${registryHost}/bases/busybox:1`;
    const from = `${registryHost}/bases/foreign:1`;
    await foreign.apply({ ...inline(`FROM ${from}`, 'RUN true'), baseImages: [{ from, image }] });
    for (const one of [step, foreign])
      expect((await one.ready()).conditions).toMatchObject({
        ...{ Stalled: 'False Ready', Published: 'True Published', BaseImagesReady: 'True BaseImagesFound' },
      });
  });
};
