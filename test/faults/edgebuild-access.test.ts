import { describe, expect, test } from '@jest/globals';
import * as kinds from '../../src/edgebuild/kinds.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { until } from '../support/until.ts';
import { messageOf, simple } from './edgebuild-site.ts';
import { type Household, sideBySide } from './edgebuild-life.ts';
import { edgeBuildSuite } from './edgebuild-suite.ts';
import type { Asked, Fault } from './fault-proxy.ts';

// What the operator may not do, and what is not there: named, and healed without a restart.
const suite = await edgeBuildSuite();
const forbidden: Fault = { type: 'answer', code: 403 };
const isReading = ({ verb }: Asked): boolean => verb === 'list' || verb === 'watch';
const ready = { Ready: 'True Ready' };
const running = { replicas: 0, port: 8080 };

describe('6: a kind that may not be read is named', () => {
  const unreadable = async (
    { namespace, proxy, start }: Household,
    plural: string,
    resource: string,
  ): Promise<void> => {
    const { site } = suite;
    const isIt: typeof proxy.faultFor = (asked) =>
      asked.plural === plural && isReading(asked) ? forbidden : undefined;
    proxy.faultFor = isIt;
    const operator = start();
    await site.put(namespace, 'web', simple(site.base, { deploy: { ...running, expose: true } }));
    const stalled = await site.becomes(namespace, 'web', {
      Ready: 'False NotReadable',
      Stalled: 'True NotReadable',
    });
    expect(messageOf(stalled, 'Stalled')).toContain(`list ${resource}`);
    proxy.faultFor = () => undefined;
    const before = await site.becomes(namespace, 'web', ready);

    proxy.faultFor = isIt;
    proxy.breakAll();
    expect(await until(() => operator.unavailable(plural), Boolean, 60_000)).toContain(resource);
    await site.put(namespace, 'web', simple(site.otherBase, { deploy: running }));
    if (plural !== 'routes') await site.becomes(namespace, 'web', { Stalled: 'True NotReadable' });
    proxy.faultFor = () => undefined;
    const after = await site.becomes(namespace, 'web', ready);
    expect(after.status?.image?.digest).not.toBe(before.status?.image?.digest);
    expect((await site.state(namespace)).builds).toEqual(['web-arm64-1 Complete', 'web-arm64-2 Complete']);
  };

  const resources = [
    ...['buildconfigs.build.openshift.io', 'builds.build.openshift.io', 'imagestreams.image.openshift.io'],
    ...['nodes', 'pods', 'deployments.apps', 'services', 'routes.route.openshift.io'],
  ];
  sideBySide(
    suite,
    Object.fromEntries(
      resources.map((resource) => [
        `${resource}, from the start and when the right is taken away`,
        (household: Household) => unreadable(household, resource.split('.')[0] ?? '', resource),
      ]),
    ),
  );

  test('who runs nothing does without the kinds of what runs', async () => {
    const { site, namespace, proxy } = suite;
    const unneeded = ['deployments', 'services', 'routes', 'secrets', 'nodeemulations'];
    proxy.faultFor = (asked) => (unneeded.includes(asked.plural) && isReading(asked) ? forbidden : undefined);
    suite.start();
    await site.put(namespace, 'web', simple(site.base));
    await site.becomes(namespace, 'web', ready);
  }, 100_000);

  test('a kind that cannot be read is not an empty one: what is somebody else’s is not taken', async () => {
    const { site, namespace, proxy } = suite;
    const foreign = serviceOf(namespace, 'web');
    await site.client.apply(kinds.services, foreign, { fieldManager: 'somebody' });
    const theirs = async () => JSON.stringify(await site.read(kinds.services, namespace, 'web'));
    const before = await theirs();
    proxy.faultFor = (asked) => (asked.plural === 'services' && isReading(asked) ? forbidden : undefined);
    suite.start();
    await site.put(namespace, 'web', simple(site.base, { deploy: running }));
    await site.becomes(namespace, 'web', { Stalled: 'True NotReadable' });
    proxy.faultFor = () => undefined;
    await site.becomes(namespace, 'web', { Stalled: 'True NameConflict' });
    expect(await theirs()).toBe(before);
    await site.client.delete(kinds.services, { namespace, name: 'web' });
    await site.becomes(namespace, 'web', ready);
  }, 200_000);
});

describe('6: a write that is forbidden is named, and keeps no other object from its turn', () => {
  const writes: readonly (readonly [string, (asked: Asked) => boolean, string])[] = [
    ['imagestreams', ({ verb, plural, name }) => verb === 'patch' && plural === 'imagestreams' && name === 'web', 'apply imagestreams.image.openshift.io'],
    ['buildconfigs', ({ verb, plural, name }) => verb === 'patch' && plural === 'buildconfigs' && name === 'web-arm64', 'apply buildconfigs.build.openshift.io'],
    ['instantiate', ({ subresource, name }) => subresource === 'instantiate' && name === 'web-arm64', 'post instantiate of buildconfigs.build.openshift.io'],
    ['deployments', ({ verb, plural, name }) => verb === 'patch' && plural === 'deployments' && name === 'web', 'apply deployments.apps'],
    ['imagestreamtags', ({ plural, name }) => plural === 'imagestreamtags' && name?.startsWith('web-bases') === true, 'get imagestreamtags.image.openshift.io'],
    ['imagestreamimages', ({ plural, name }) => plural === 'imagestreamimages' && name?.startsWith('web') === true, 'get imagestreamimages.image.openshift.io'],
  ]; // prettier-ignore

  const refusedTo = async (
    { namespace, proxy, start }: Household,
    isIt: (asked: Asked) => boolean,
    words: string,
  ): Promise<void> => {
    const { site } = suite;
    proxy.faultFor = (asked) => (isIt(asked) ? forbidden : undefined);
    start();
    await site.put(namespace, 'web', simple(site.base, { deploy: running }));
    const refused = { Stalled: 'True NotAllowed', Ready: 'False NotAllowed' };
    expect(messageOf(await site.becomes(namespace, 'web', refused), 'Stalled')).toContain(words);
    await site.put(namespace, 'other', simple(site.otherBase));
    await site.becomes(namespace, 'other', ready);
    proxy.faultFor = () => undefined;
    await site.becomes(namespace, 'web', ready);
    const { builds } = await site.state(namespace);
    expect(builds).toEqual(['other-arm64-1 Complete', 'web-arm64-1 Complete']);
  };

  // At the same time: what is forbidden is tried again after 20 seconds.
  sideBySide(suite, {
    ...Object.fromEntries(
      writes.map(([what, isIt, words]) => [
        what,
        (household: Household) => refusedTo(household, isIt, words),
      ]),
    ),
    'to write Events, and for a while status: the work is done all the same': async ({ namespace, proxy, start }) => {
      const { site } = suite;
      proxy.faultFor = ({ plural, subresource }) =>
        plural === 'events' || subresource === 'status' ? forbidden : undefined;
      start();
      await site.put(namespace, 'web', simple(site.base));
      const published = async () => (await site.state(namespace)).tags.some((tag) => tag.startsWith('web:latest '));
      expect(await until(published, Boolean, 90_000)).toBe(true);
      proxy.faultFor = () => undefined;
      await site.becomes(namespace, 'web', ready);
      expect((await site.state(namespace)).builds).toEqual(['web-arm64-1 Complete']);
    },
  }); // prettier-ignore
});

describe('11: OpenShift’s builds are not there', () => {
  /** Both EdgeBuilds, the one published before and the one that comes meanwhile, and how they end. */
  const survive = async (goAway: () => Promise<void>, comeBack: () => Promise<void>): Promise<void> => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'old', simple(site.base));
    const before = await site.becomes(namespace, 'old', ready);
    // What was built is remembered without its Build.
    await site.client.delete(kinds.builds, { namespace, name: 'old-arm64-1' });
    try {
      await goAway();
      await site.put(namespace, 'young', simple(site.base));
      await site.becomes(namespace, 'young', { Ready: 'False BuildAPIUnavailable', Stalled: 'False BuildAPIUnavailable' }); // prettier-ignore
      const meanwhile = await site.becomes(namespace, 'old', ready);
      expect(meanwhile.status).toEqual(before.status);
    } finally {
      await comeBack();
    }
    await site.becomes(namespace, 'young', ready);
    await site.put(namespace, 'young', simple(site.otherBase));
    await site.becomes(namespace, 'young', ready);
    expect((await site.becomes(namespace, 'old', ready)).status).toEqual(before.status);
    expect((await site.state(namespace)).builds).toEqual([
      'young-arm64-1 Complete',
      'young-arm64-2 Complete',
    ]);
  };

  test('absent: said, and gone on with when they appear; what is published stays Ready', async () => {
    const { plane } = suite.site;
    const names = ['v1.build.openshift.io', 'v1.image.openshift.io'];
    const { stdout } = await plane.kubectl(['get', 'apiservice', ...names, '-o', 'json']);
    await survive(
      async () => {
        await plane.kubectl(['delete', 'apiservice', ...names]);
      },
      async () => {
        await plane.kubectl(['create', '-f', '-'], { input: withoutVersions(stdout) });
        await plane.kubectl(['wait', '--for=condition=Available', 'apiservice', ...names, '--timeout=60s']);
      },
    );
  }, 300_000);

  test('down, with 503 in plain text: the same', async () => {
    const { openShift } = suite.site;
    await survive(() => {
      openShift.outage();
      return Promise.resolve();
    }, openShift.restore);
  }, 300_000);
});

describe('22: a Secret that is named and not there', () => {
  const withSecret = (base: string) =>
    simple(base, { triggers: { webhooks: [{ type: 'Generic', secretRef: { name: 'hook' } }] } });

  test('is named, and noticed at once when it comes, with the right to list and watch it', async () => {
    const { site, namespace } = suite;
    suite.start();
    await site.put(namespace, 'web', withSecret(site.base));
    const stalled = await site.becomes(namespace, 'web', { Stalled: 'True SecretMissing' });
    expect(messageOf(stalled, 'Stalled')).toContain('Secret hook');
    await site.plane.kubectl(['create', 'secret', 'generic', 'hook', '-n', namespace, '--from-literal=WebHookSecretKey=x']); // prettier-ignore
    await site.becomes(namespace, 'web', ready);
    await site.plane.kubectl(['delete', 'secret', 'hook', '-n', namespace]);
    await site.becomes(namespace, 'web', { Stalled: 'True SecretMissing' });
  }, 200_000);

  test('without that right nothing is said of it', async () => {
    const { site, namespace, proxy } = suite;
    proxy.faultFor = ({ plural }) => (plural === 'secrets' ? forbidden : undefined);
    suite.start();
    await site.put(namespace, 'web', withSecret(site.base));
    await site.becomes(namespace, 'web', ready);
    expect(proxy.asked.some(({ plural }) => plural === 'secrets')).toBe(true);
  }, 200_000);
});

const serviceOf = (namespace: string, name: string): KubeObject & { readonly spec: object } => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name } },
  spec: { ports: [{ name: 'theirs', port: 1, protocol: 'TCP' }] },
});

/** What was read, to be created again. */
const withoutVersions = (text: string): string => {
  const { items } = JSON.parse(text) as { readonly items: readonly (KubeObject & { readonly spec: object })[] };
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'List' },
    items: items.map(({ apiVersion, kind, metadata, spec }) => ({
      ...{ apiVersion, kind, spec },
      metadata: { name: metadata.name, labels: metadata.labels },
    })),
  });
}; // prettier-ignore
