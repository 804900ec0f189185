/** What becomes of Builds that wait, are stopped, or lose their pod; and what a Dockerfile becomes before it is built. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { registryHost } from '../../cluster/registry.ts';
import { type BuildSpec, phaseOf } from './kinds.ts';
import { podNameOf } from './names.ts';
import {
  type BuildSite,
  cancel,
  createSecret,
  deletePod,
  eventually,
  finished,
  get,
  imageStream,
  logOf,
  openSite,
  patchPodStatus,
  podOf,
  pushBase,
  pushed,
  reaches,
  start,
} from './site.ts';

jest.setTimeout(1_200_000);

const base = `${registryHost}/ext/native:1`;
const other = `${registryHost}/ext/other:1`;
const dockerfile = (...lines: readonly string[]): BuildSpec['source'] => ({
  dockerfile: `${[`FROM ${base}`, ...lines].join('\n')}\n`,
});
const short = { source: dockerfile('RUN true') };
/** Until somebody ends it. */
const endless = { source: dockerfile('RUN sleep 100000') };
/** On no node. */
const nowhere = { ...short, nodeSelector: { nosuch: 'node' } };

const image = (name: string) => ({ kind: 'DockerImage', name });
const out = (name: string) => ({ kind: 'ImageStreamTag', name });
const longName = 'a'.repeat(251);
const rewritten = [
  'ARG VERSION=none',
  'FROM placeholder AS tools',
  'RUN cat /other > /copy',
  'FROM whatever',
  '# A comment',
  'COPY --from=tools /copy /copy',
  'COPY --from=elsewhere /other /other',
  'ARG GREETING',
  'RUN echo "$GREETING \\',
  '  $MOOD" > /greeting && cat /greeting',
  'RUN <<END',
  'exit 1',
  'END',
].join('\n');

/** By BuildConfig. All begin at once: none of them has to do with another. */
const begun: Readonly<Record<string, Partial<BuildSpec>>> = {
  'no-output': { ...short, output: { to: out('late:1') } },
  'no-secret': { ...short, output: { to: out('out:secret'), pushSecret: { name: 'later' } } },
  ...{ cancelled: endless, deleted: endless, row: endless },
  deadline: { ...endless, completionDeadlineSeconds: 5 },
  ...{ nowhere, 'out-of-memory': nowhere, evicted: nowhere, [longName]: nowhere },
  rewritten: {
    source: { dockerfile: rewritten, images: [{ from: image(other), as: ['placeholder', 'elsewhere'] }] },
    strategy: {
      dockerStrategy: {
        from: image(base),
        env: [{ name: 'MOOD', value: 'well' }],
        buildArgs: [{ name: 'GREETING', value: 'all is' }],
      },
    },
    output: { to: out('out:rewritten'), imageLabels: [{ name: 'mine', value: 'yes' }] },
  },
  'last-from': {
    source: { dockerfile: `FROM ${base} AS made\nRUN touch /made\nFROM made\nRUN cat /made\n` },
    strategy: { dockerStrategy: { from: image(base) } },
  },
  foreign: {
    ...short,
    strategy: {
      dockerStrategy: {
        from: image(`${registryHost}/ext/foreign:1`),
        buildArgs: [{ name: 'TARGETPLATFORM', value: 'linux/arm64' }],
      },
    },
  },
};

let site: BuildSite | undefined;
beforeAll(async () => {
  site = await openSite();
  await imageStream('out');
  await pushBase('ext/native', { platform: 'linux/amd64' });
  await pushBase('ext/other', { platform: 'linux/amd64', members: [{ name: 'other', body: 'other\n' }] });
  await pushBase('ext/foreign', { platform: 'linux/s390x' }, { platform: 'linux/arm64' });
  await Promise.all(Object.entries(begun).map(([name, spec]) => start(name, spec)));
});
afterAll(async () => {
  await site?.close();
});

const wordsOf = ({ status }: Awaited<ReturnType<typeof get>>) => ({
  ...{ phase: status?.phase, reason: status?.reason, message: status?.message },
});
const runs = (name: string) => reaches(name, (build) => phaseOf(build) === 'Running');

// First: the longer a kubelet has looked for a Secret, the longer it waits before it looks again.
test('without its push secret it is Pending, and says why; it goes on once there is one', async () => {
  const waiting = await reaches('no-secret-1', ({ status }) => status?.reason !== undefined);
  expect(wordsOf(waiting)).toEqual({
    ...{ phase: 'Pending', reason: 'MissingPushSecret', message: 'Missing push secret.' },
  });
  await createSecret('later', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': '{"auths":{}}' });
  expect(wordsOf(await finished('no-secret-1'))).toEqual({ phase: 'Complete' });
});

test('without its output stream it stays New, and says why; it goes on once there is one', async () => {
  const waiting = await reaches('no-output-1', ({ status }) => status?.reason !== undefined);
  const said = { reason: 'InvalidOutputReference', message: 'Output image could not be resolved.' };
  expect(waiting.status).toMatchObject({
    ...{ phase: 'New', ...said },
    conditions: [{ type: 'New', status: 'True', ...said }],
  });
  expect(await podOf('no-output-1-build')).toBeUndefined();
  await imageStream('late');
  expect(wordsOf(await finished('no-output-1'))).toEqual({ phase: 'Complete' });
});

test('cancelled: its pod goes, and it says so', async () => {
  await runs('cancelled-1');
  await cancel('cancelled-1');
  const build = await finished('cancelled-1');
  expect(wordsOf(build)).toEqual({
    ...{ phase: 'Cancelled', reason: 'CancelledBuild', message: 'The build was cancelled by the user.' },
  });
  expect(build.status?.conditions?.at(-1)).toMatchObject({ type: 'Cancelled', status: 'True' });
  expect(await eventually(() => podOf('cancelled-1-build'), (pod) => pod === undefined)).toBeUndefined(); // prettier-ignore
});

test('a pod that is deleted takes its Build along', async () => {
  await runs('deleted-1');
  await deletePod('deleted-1-build');
  expect(wordsOf(await finished('deleted-1'))).toEqual({
    ...{ phase: 'Error', reason: 'BuildPodDeleted' },
    message: 'The pod for this build was deleted before the build completed.',
  });
});

test('past its deadline it has failed, and only the pod knows of what', async () => {
  const build = await reaches('deadline-1', ({ status }) => status?.completionTimestamp !== undefined);
  expect(wordsOf(build)).toEqual({
    ...{ phase: 'Failed', reason: 'GenericBuildFailed' },
    message: 'Generic Build failure - check logs for details.',
  });
  expect((await podOf('deadline-1-build'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'DeadlineExceeded',
  });
});

test('on no node it is Pending without a reason: its pod says why', async () => {
  await eventually(() => podOf('nowhere-1-build'), (pod) => pod?.status?.conditions !== undefined); // prettier-ignore
  const build = await reaches('nowhere-1', (seen) => phaseOf(seen) === 'Pending');
  expect(wordsOf(build)).toEqual({ phase: 'Pending' });
  expect((await podOf('nowhere-1-build'))?.status).toMatchObject({
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
  });
});

// No control group may be made in a box, so nothing there is killed for its memory: the kubelet's words are ours.
test.each([
  {
    name: 'out-of-memory',
    pod: {
      phase: 'Failed',
      containerStatuses: [
        {
          ...{ name: 'docker-build', image: 'x', imageID: 'x', ready: false, restartCount: 0 },
          state: { terminated: { exitCode: 137, reason: 'OOMKilled', message: 'STEP 2/4: RUN true\n' } },
        },
      ],
    },
    reason: 'OutOfMemoryKilled',
    message: 'The build pod was killed due to an out of memory condition.',
  },
  {
    name: 'evicted',
    pod: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    reason: 'BuildPodEvicted',
    message: 'The node was low on resource: memory.',
  },
])('$name', async ({ name, pod, reason, message }) => {
  await eventually(() => podOf(`${name}-1-build`), (found) => found !== undefined); // prettier-ignore
  await patchPodStatus(`${name}-1-build`, pod);
  const build = await reaches(`${name}-1`, ({ status }) => status?.completionTimestamp !== undefined);
  expect(wordsOf(build)).toEqual({ phase: 'Failed', reason, message });
});

test('Builds of one BuildConfig run one after the other', async () => {
  await runs('row-1');
  await start('row', short);
  await start('aside', short);
  await finished('aside-1');
  expect(wordsOf(await get('row-2'))).toEqual({ phase: 'New' });
  await cancel('row-1');
  expect(wordsOf(await finished('row-2'))).toEqual({ phase: 'Complete' });
});

test('long names: labels are cut, annotations are whole, and the pod has the name that OpenShift makes', async () => {
  const name = `${longName}-1`;
  const pod = await eventually(() => podOf(podNameOf(name)), (found) => found !== undefined); // prettier-ignore
  expect(pod?.metadata).toMatchObject({
    name: expect.stringMatching(/^a{238}-[0-9a-f]{8}-build$/),
    labels: { 'openshift.io/build.name': 'a'.repeat(63) },
    annotations: { 'openshift.io/build.name': name },
  });
});

test('a Dockerfile is rewritten as OpenShift does it', async () => {
  const build = await finished('rewritten-1');
  const log = await logOf('rewritten-1');
  expect({ log, ...wordsOf(build) }).toMatchObject({ phase: 'Complete' });
  expect(log).toContain('all is   well');
  const { config } = await pushed(build);
  expect(config.Env).toEqual(expect.arrayContaining(['MOOD=well', 'OPENSHIFT_BUILD_NAME=rewritten-1']));
  expect(config.Labels).toMatchObject({ mine: 'yes', 'io.openshift.build.name': 'rewritten-1' });
});

test('`from` replaces the last FROM even where that names a stage, which then lacks what the stage made', async () => {
  const build = await finished('last-from-1');
  expect(wordsOf(build)).toMatchObject({ phase: 'Failed', reason: 'DockerBuildFailed' });
  expect(build.status?.logSnippet).toContain('/made');
});

test('an index without the machine of the node cannot be pulled, whatever the build is for', async () => {
  expect(wordsOf(await finished('foreign-1'))).toEqual({
    ...{ phase: 'Failed', reason: 'PullBuilderImageFailed', message: 'Failed pulling builder image.' },
  });
  expect(await logOf('foreign-1')).toMatch(/no image found in image index for architecture "amd64"/);
});
