import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import * as kinds from '../../src/edgebuild/kinds.ts';
import { imageNames } from '../../src/engines/openshift/desired/output-stream.ts';
import type { BuildConfig, ImageStream } from '../../src/engines/openshift/types.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { until } from '../support/until.ts';
import { type BuildsState, messageOf, simple } from './edgebuild-site.ts';
import { edgeBuildSuite } from './edgebuild-suite.ts';
import { type Asked, isWrite } from './fault-proxy.ts';

// What other hands do to the objects of EdgeBuilds.
const suite = await edgeBuildSuite();
const ready = { Ready: 'True Ready' };
const running = { replicas: 0, port: 8080, expose: true };

/** Until the namespace is as it was. */
const isAgain = async (
  before: BuildsState,
  without: (seen: BuildsState) => BuildsState = (seen) => seen,
): Promise<void> => {
  const { site, namespace } = suite;
  const look = async (): Promise<BuildsState> => without(await site.state(namespace));
  const isSo = (seen: BuildsState): boolean => isDeepStrictEqual(seen, before);
  expect(await until(look, isSo, 60_000)).toEqual(before);
};

/** As anybody with the right to: a merge patch of an object of this test. */
const patched = async (
  kind: Kind,
  name: string,
  patch: { readonly metadata?: object; readonly spec?: object },
): Promise<void> => {
  const { site, namespace } = suite;
  await site.client.mergePatch(kind, { ...patch, metadata: { ...patch.metadata, namespace, name } });
};

const names: Readonly<Record<string, readonly [Kind, string]>> = {
  BuildConfig: [kinds.buildConfigs, 'web-arm64'],
  'base ImageStream': [kinds.imageStreams, 'web-bases'],
  Deployment: [kinds.deployments, 'web'],
  Service: [kinds.services, 'web'],
  Route: [kinds.routes, 'web'],
};

describe('13: what is ours is restored', () => {
  test('deleted by hand, one after the other', async () => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'web', simple(site.base, { deploy: running }));
    await site.becomes(namespace, 'web', ready);
    const before = await site.state(namespace);
    for (const [kind, name] of Object.values(names)) {
      await site.client.delete(kind, { namespace, name });
      // Builds go with their BuildConfig, sooner or later: what came out of them is remembered.
      const withoutBuilds = (state: BuildsState): BuildsState => ({ ...state, builds: [] });
      await isAgain(withoutBuilds(before), withoutBuilds);
    }
    const started = suite.proxy.asked.filter(({ subresource }) => subresource === 'instantiate');
    expect(started).toHaveLength(1);
  }, 200_000);

  test.each(Object.entries(names))('%s: labels, ownerReferences and fields edited by hand', async (_kind, [kind, name]) => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'web', simple(site.base, { deploy: running }));
    await site.becomes(namespace, 'web', ready);
    const before = await site.read(kind, namespace, name);
    const edits: readonly object[] = [
      { labels: { 'app.kubernetes.io/managed-by': null } },
      { labels: { 'app.kubernetes.io/managed-by': 'somebody', 'edgebuild.io/edgebuild': 'another' } },
      { ownerReferences: null },
      { ownerReferences: null, labels: null },
      ...(kind === kinds.buildConfigs ? [{ labels: { 'edgebuild.io/inputs': 'nonsense' } }] : []),
    ];
    for (const edit of edits) {
      const { resourceVersion } = (await site.read(kind, namespace, name))?.metadata ?? {};
      await patched(kind, name, { metadata: edit });
      const isRestored = (seen: KubeObject | undefined): boolean =>
        seen?.metadata.resourceVersion !== resourceVersion && identity(seen) === identity(before);
      const seen = await until(() => site.read(kind, namespace, name), isRestored, 60_000);
      expect({ edit, seen: identity(seen) }).toEqual({ edit, seen: identity(before) });
    }
    expect((await site.state(namespace)).builds).toEqual(['web-arm64-1 Complete']);
  }, 200_000); // prettier-ignore

  const identity = (object: KubeObject | undefined): string =>
    JSON.stringify([object?.metadata.labels, object?.metadata.ownerReferences]);

  test('a BuildConfig’s own fields are restored, those of others left alone', async () => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'web', simple(site.base));
    await site.becomes(namespace, 'web', ready);
    const theirs = {
      metadata: { annotations: { theirs: 'stays' }, labels: { theirs: 'stays' } },
      spec: { mountTrustedCA: true, completionDeadlineSeconds: 1, runPolicy: 'Parallel' },
    };
    await patched(kinds.buildConfigs, 'web-arm64', theirs);
    const read = () => site.read<KubeObject & BuildConfig>(kinds.buildConfigs, namespace, 'web-arm64');
    const isRestored = (seen: Awaited<ReturnType<typeof read>>): boolean =>
      seen?.spec.completionDeadlineSeconds === 3600;
    const seen = await until(read, isRestored, 60_000);
    expect(seen).toMatchObject({
      metadata: { annotations: { theirs: 'stays' }, labels: { theirs: 'stays' } },
      spec: { mountTrustedCA: true, completionDeadlineSeconds: 3600, runPolicy: 'Serial' },
    });
    expect((await site.state(namespace)).builds).toEqual(['web-arm64-1 Complete']);
  }, 100_000);

  test('the tag that users pull: moved or deleted by hand, it means again what was verified', async () => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'web', simple(site.base));
    await site.becomes(namespace, 'web', ready);
    const before = await site.state(namespace);
    const moved = { name: 'latest', from: { kind: 'DockerImage', name: site.otherBase }, referencePolicy: { type: 'Source' } }; // prettier-ignore
    const image = before.edgeBuilds['web']?.image ?? '';
    const wanted = Object.values(imageNames).map((nameOf) => `ImageStreamImage ${nameOf('web', image)}`);
    const meant = async (): Promise<string> => {
      const stream = await site.read<KubeObject & ImageStream>(kinds.imageStreams, namespace, 'web');
      const from = stream?.spec?.tags?.find(({ name }) => name === 'latest')?.from;
      return `${from?.kind ?? ''} ${from?.name ?? ''}`;
    };
    for (const tags of [[moved], null, []] as const) {
      await patched(kinds.imageStreams, 'web', { spec: { tags } });
      // What was imported stays in the status when the tag is gone from the spec.
      expect(wanted).toContain(await until(meant, (seen) => wanted.includes(seen), 60_000));
      await isAgain(before);
    }
    await patched(kinds.imageStreams, 'web', { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } });
    const label = async () =>
      (await site.read(kinds.imageStreams, namespace, 'web'))?.metadata.labels?.['app.kubernetes.io/managed-by'];
    expect(await until(label, (seen) => seen === 'edgebuild', 60_000)).toBe('edgebuild');
    await isAgain(before);
  }, 200_000); // prettier-ignore

  test('the output ImageStream itself deleted: what was in it is built again', async () => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'web', simple(site.base));
    await site.becomes(namespace, 'web', ready);
    await site.client.delete(kinds.imageStreams, { namespace, name: 'web' });
    const tags = async () => (await site.state(namespace)).tags.filter((tag) => tag.startsWith('web:latest sha256:'));
    expect(await until(tags, ({ length }) => length === 1, 60_000)).toHaveLength(1);
    await site.becomes(namespace, 'web', ready);
  }, 200_000); // prettier-ignore
});

describe('14: what is somebody else’s is never adopted', () => {
  const foreign: readonly (readonly [string, Kind, object])[] = [
    ['BuildConfig web-arm64', kinds.buildConfigs, { source: { type: 'Dockerfile', dockerfile: 'FROM x' }, strategy: { type: 'Docker', dockerStrategy: {} } }], // prettier-ignore
    ['ImageStream web-bases', kinds.imageStreams, {}],
    ['ImageStream web', kinds.imageStreams, {}],
    ['Deployment web', kinds.deployments, { selector: { matchLabels: { a: 'b' } }, replicas: 0, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } }], // prettier-ignore
    ['Service web', kinds.services, { ports: [{ port: 1, protocol: 'TCP' }] }],
    ['Route web', kinds.routes, { to: { kind: 'Service', name: 'theirs' } }],
  ];

  test.each(foreign)(
    '%s: said, left as it is, and gone on with when it is gone',
    async (what, kind, spec) => {
      const { site, namespace } = suite;
      const name = what.split(' ')[1] ?? '';
      const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
      const object: KubeObject = { ...{ apiVersion, kind: kind.kind, spec }, metadata: { namespace, name } };
      await site.client.apply(kind, object, { fieldManager: 'somebody' });
      suite.start();
      await site.put(namespace, 'web', simple(site.base, { deploy: running }));
      const stalled = await site.becomes(namespace, 'web', { Stalled: 'True NameConflict' });
      expect(messageOf(stalled, 'Stalled')).toContain(name);
      const { metadata, ...rest } = (await site.read(kind, namespace, name)) ?? object;
      expect(rest).toMatchObject({ spec });
      expect([metadata.labels, metadata.ownerReferences]).toEqual([undefined, undefined]);
      await site.client.delete(kind, { namespace, name });
      await site.becomes(namespace, 'web', ready);
      expect((await site.state(namespace)).builds).toEqual(['web-arm64-1 Complete']);
    },
    200_000,
  );
});

test('12: a view of an earlier object with the same name: the children of the new one survive', async () => {
  const { site, namespace, proxy } = suite;
  suite.start();
  await site.put(namespace, 'web', simple(site.base, { deploy: running }));
  await site.becomes(namespace, 'web', ready);
  proxy.faultFor = ({ verb, plural }) =>
    verb === 'watch' && plural === 'edgebuilds' ? { type: 'stall', afterLines: 0 } : undefined;
  proxy.breakAll();
  const from = proxy.asked.length;
  await site.drop(namespace, 'web');
  // The garbage collector takes its children; the operator sees that, and believes that their owner is there: it makes
  // them again, or asks for their owner first if that was seen a while ago.
  const isMeant = (asked: Asked): boolean =>
    asked.plural === 'edgebuilds' ? asked.verb === 'get' : asked.plural !== 'events' && isWrite(asked);
  expect(await until(() => proxy.asked.slice(from).some(isMeant), Boolean, 60_000)).toBe(true);
  const { metadata } = await site.put(namespace, 'web', simple(site.otherBase));
  proxy.faultFor = () => undefined;
  await site.becomes(namespace, 'web', ready);
  const ends = async () => {
    const { children, builds } = await site.state(namespace);
    const [config] = await site.all(kinds.buildConfigs, namespace);
    return { children, builds: builds.length, owner: config?.metadata.ownerReferences?.[0]?.uid };
  };
  const wanted = {
    children: ['BuildConfig web-arm64', 'ImageStream web', 'ImageStream web-bases'],
    ...{ builds: 1, owner: metadata.uid },
  };
  const isSo = (seen: object): boolean => JSON.stringify(seen) === JSON.stringify(wanted);
  expect(await until(ends, isSo, 60_000)).toEqual(wanted);
}, 200_000); // prettier-ignore

test('15: two EdgeBuilds and one tag: the older has it, the younger goes on when the older goes', async () => {
  const { site, namespace } = suite;
  const output = { imageStreamTag: 'shared:1' };
  suite.start();
  await site.put(namespace, 'a-first', simple(site.base, { output }));
  await site.becomes(namespace, 'a-first', ready);
  await site.put(namespace, 'b-second', simple(site.otherBase, { output }));
  const stalled = await site.becomes(namespace, 'b-second', { Stalled: 'True OutputTaken' });
  expect(messageOf(stalled, 'Stalled')).toContain('EdgeBuild a-first');
  await site.put(namespace, 'c-aside', simple(site.otherBase, { output: { imageStreamTag: 'shared:2' } }));
  await site.becomes(namespace, 'c-aside', ready);
  await site.becomes(namespace, 'a-first', ready);
  expect((await site.state(namespace)).builds).toEqual(['a-first-arm64-1 Complete', 'c-aside-arm64-1 Complete']);
  const tag = async (name: string) => (await site.state(namespace)).tags.find((one) => one.startsWith(`shared:${name} `));
  const [one, two] = [await tag('1'), await tag('2')];
  await site.drop(namespace, 'a-first');
  await site.becomes(namespace, 'b-second', ready);
  expect(await tag('1')).not.toBe(one);
  expect(await tag('2')).toBe(two);
}, 200_000); // prettier-ignore

describe('16: deleted in the middle of a build', () => {
  test.each(['background', 'foreground'])('%s: all goes, and nothing is made any more', async (cascade) => {
    const { site, namespace, proxy } = suite;
    site.hand.plays(namespace, { phase: 'Running' });
    suite.start();
    await site.put(namespace, 'web', simple(site.base));
    await site.becomes(namespace, 'web', { Built: 'Unknown Building', 'linux/arm64': 'Building Building' });
    await isRunning();
    await site.plane.kubectl(['delete', 'edgebuild', 'web', '-n', namespace, `--cascade=${cascade}`, '--wait=false']);
    const left = async () => {
      const { edgeBuilds, builds, children } = await site.state(namespace);
      return [...Object.keys(edgeBuilds), ...builds, ...children];
    };
    expect(await until(left, ({ length }) => length === 1, 60_000)).toEqual(['ImageStream web']);
    const writes = proxy.asked.filter(isWrite).length;
    await untilWatchedAgain();
    expect(proxy.asked.filter(isWrite)).toHaveLength(writes);
    expect(await left()).toEqual(['ImageStream web']);
  }, 200_000); // prettier-ignore

  const isRunning = async (): Promise<void> => {
    const phases = async () => (await suite.site.state(suite.namespace)).builds;
    expect(await until(phases, ([one]) => one === 'web-arm64-1 Running', 60_000)).toEqual(['web-arm64-1 Running']);
  }; // prettier-ignore

  /** So long that whatever was under way has been seen. */
  const untilWatchedAgain = async (): Promise<void> => {
    const { proxy } = suite;
    const watches = (): number => proxy.asked.filter(({ verb, plural }) => verb === 'watch' && plural === 'builds').length;
    const before = watches();
    expect(await until(watches, (now) => now >= before + 2, 60_000)).toBeGreaterThanOrEqual(before + 2);
  }; // prettier-ignore

  test('its namespace is being deleted: that completes, and nothing is tried again and again', async () => {
    const { site, namespace, proxy } = suite;
    const lines: string[] = [];
    site.hand.plays(namespace, { phase: 'Running' });
    suite.start({ onLog: (line) => lines.push(line) });
    await site.put(namespace, 'web', simple(site.base));
    await isRunning();
    const [from, before] = [proxy.asked.length, lines.length];
    const { exitCode, stderr } = await site.plane.kubectl(['delete', 'namespace', namespace, '--timeout=90s']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const writes = proxy.asked.slice(from).filter((asked) => isWrite(asked) && asked.plural !== 'events');
    const tries = Map.groupBy(writes, (asked) => Object.values(asked).join(' '));
    // Each news of a child is a try, and no try is another one's reason.
    expect([...tries.values()].filter(({ length }) => length > 8)).toEqual([]);
    // OpenShift does not say of what is just gone that it goes with its namespace: once that is tried again later.
    const later = lines.slice(before).filter((line) => line.includes('"type":"again"'));
    expect(later.length).toBeLessThan(3);
    expect(lines.filter((line) => line.includes('this is a bug'))).toEqual([]);
  }, 200_000); // prettier-ignore
});
