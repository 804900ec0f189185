import { describe, expect, test } from '@jest/globals';
import {
  buildConfigs,
  builds,
  edgeBuilds,
  imageStreams,
  type StoredEdgeBuild,
} from '../../src/edgebuild/kinds.ts';
import type { BuildConfig } from '../../src/engines/openshift/types.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { until } from '../support/until.ts';
import { sideBySide } from './edgebuild-life.ts';
import { simple, type Spec } from './edgebuild-site.ts';
import { edgeBuildSuite } from './edgebuild-suite.ts';
import { type Asked, type FaultProxy, isWrite } from './fault-proxy.ts';

// What is given to an EdgeBuild, and what is said of it.
const suite = await edgeBuildSuite();
/** Nobody who asks for any port is given this one, and fetch() asks it: 1 and 9 it refuses. */
const nobodysRegistry = '127.0.0.1:2';
const ready = { Ready: 'True Ready' };

/** Lets so much time pass that each watch has ended and begun anew twice. Returns what was asked meanwhile beside. */
const askedInAWhile = async (proxy: FaultProxy): Promise<readonly Asked[]> => {
  const from = proxy.asked.length;
  const watches = (): number =>
    Math.min(
      ...['edgebuilds', 'builds', 'imagestreams', 'nodes'].map(
        (plural) => proxy.asked.slice(from).filter((one) => one.verb === 'watch' && one.plural === plural).length,
      ),
    );
  expect(await until(watches, (count) => count >= 3, 60_000)).toBeGreaterThanOrEqual(3);
  return proxy.asked.slice(from).filter(({ verb }) => verb !== 'watch');
}; // prettier-ignore

// They wait for watches to end, most of the time.
describe('as time passes', () => {
  sideBySide(suite, {
    '17: at rest nothing is written and nothing is read, whatever is published, retained, or has failed':
      async ({ namespace, proxy, start }) => {
        const { site } = suite;
        start();
        const specs: Readonly<Record<string, Partial<Spec>>> = {
          web: { deploy: { replicas: 0, port: 80, expose: true } },
          gone: {},
          part: { output: { deletionPolicy: 'Delete' } },
          both: { platforms: ['linux/arm64', 'linux/amd64'] },
        };
        for (const [name, more] of Object.entries(specs))
          await site.put(namespace, name, simple(site.base, more));
        for (const name of Object.keys(specs)) await site.becomes(namespace, name, ready);
        await site.drop(namespace, 'gone');
        site.hand.plays(namespace, { phase: 'Failed', reason: 'DockerBuildFailed', logSnippet: 'error: building at STEP "RUN false"' }); // prettier-ignore
        await site.put(namespace, 'failed', simple(site.base));
        await site.becomes(namespace, 'failed', { Stalled: 'True DockerfileStepFailed' });
        // Events are written after the status that they tell of.
        await askedInAWhile(proxy);
        expect(await askedInAWhile(proxy)).toEqual([]);
      },
    '37: a failure that a person must mend is Stalled; the good image stays, and the good spec heals it':
      async ({ namespace, proxy, start, stop }) => {
        const { site } = suite;
        const operator = start();
        await site.put(namespace, 'web', simple(site.base));
        const { status } = await site.becomes(namespace, 'web', ready);
        site.hand.plays(namespace, { phase: 'Failed', reason: 'DockerBuildFailed', logSnippet: 'error: building at STEP "RUN false": exit status 1' }); // prettier-ignore
        await site.put(namespace, 'web', { source: { dockerfile: `FROM ${site.base}\nRUN false\n` } });
        const failed = { Ready: 'False DockerfileStepFailed', Stalled: 'True DockerfileStepFailed', Reconciling: 'False Ready' }; // prettier-ignore
        const seen = await site.becomes(namespace, 'web', failed);
        expect(seen.status?.image).toEqual(status?.image);
        await stop(operator);
        site.hand.plays(namespace, { phase: 'Complete' });
        start();
        await askedInAWhile(proxy);
        // A step that fails is not tried again, by another process neither.
        await site.becomes(namespace, 'web', failed);
        await site.put(namespace, 'web', simple(site.base));
        expect((await site.becomes(namespace, 'web', ready)).status?.image?.digest).toBe(
          status?.image?.digest,
        );
      },
    '20: a name of 200 characters: all that is made has a name of at most 63, the same again': async ({
      namespace,
      proxy,
      start,
      stop,
    }) => {
      const { site } = suite;
      const name = 'a-very-long-name.'.repeat(12).slice(0, 199) + 'z';
      const operator = start();
      await site.put(namespace, name, simple(site.base, { deploy: { replicas: 0, port: 80, expose: true } }));
      await site.becomes(namespace, name, { ...ready, Deployed: 'True Deployed' });
      const before = await site.state(namespace);
      expect(before.children).toHaveLength(6);
      for (const child of before.children) expect(child.split(' ')[1]?.length).toBeLessThanOrEqual(63);
      for (const kind of [buildConfigs, builds, imageStreams])
        for (const { metadata } of await site.all(kind, namespace))
          for (const value of Object.values(metadata.labels ?? {}))
            expect(value.length).toBeLessThanOrEqual(63);
      await stop(operator);
      start();
      await askedInAWhile(proxy);
      expect(await site.state(namespace)).toEqual(before);
    },
    '36: applied again and again by a GitOps tool: nothing is written': async ({
      namespace,
      proxy,
      start,
    }) => {
      const { site } = suite;
      const spec = simple(site.base);
      start();
      const { metadata } = await site.put(namespace, 'web', spec, 'argocd-controller');
      await site.becomes(namespace, 'web', ready);
      await askedInAWhile(proxy);
      const from = proxy.asked.length;
      for (let time = 0; time < 10; time += 1) await site.put(namespace, 'web', spec, 'argocd-controller');
      const object = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { namespace, name: 'web' }, spec }; // prettier-ignore
      await site.plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
      await askedInAWhile(proxy);
      expect(proxy.asked.slice(from).filter(isWrite)).toEqual([]);
      const isStatus = ({ plural, subresource }: Asked): boolean =>
        plural !== 'edgebuilds' || subresource === 'status';
      expect(proxy.asked.filter(isWrite).every(isStatus)).toBe(true);
      const seen = await site.read<StoredEdgeBuild>(edgeBuilds, namespace, 'web');
      expect(seen?.metadata.generation).toBe(metadata.generation);
    },
  });
});

describe('18, 19: a bad value, then the good one', () => {
  const bad: readonly (readonly [string, (base: string) => Spec, Readonly<Record<string, string>>])[] = [
    ['a Dockerfile of nothing', (base) => ({ source: { dockerfile: `FORM ${base}` } }), { Stalled: 'True DockerfileInvalid' }],
    ['a base that is not there', (base) => ({ source: { dockerfile: `FROM ${base}-none` } }), { Stalled: 'True BaseImageUnavailable' }],
    ['a registry that is not there', () => ({ source: { dockerfile: `FROM ${nobodysRegistry}/none:1` } }), { Stalled: 'True RegistryUnreachable' }],
    ['a base without the platform', (base) => simple(base, { platforms: ['linux/s390x'] }), { Stalled: 'True BaseImageWrongArchitecture' }],
    ['an execution that nothing gives', (base) => simple(base, { execution: 'Native' }), { Ready: 'False NativeUnavailable', Stalled: 'False NativeUnavailable' }],
  ]; // prettier-ignore

  test.each(bad)(
    '%s: said, and healed at once by the good one',
    async (_what, specOf, words) => {
      const { site, namespace } = suite;
      suite.start();
      await site.put(namespace, 'web', specOf(site.base));
      await site.becomes(namespace, 'web', words);
      await site.put(namespace, 'web', simple(site.base));
      await site.becomes(namespace, 'web', { ...ready, Stalled: 'False Ready' });
      expect((await site.state(namespace)).builds).toEqual(['web-arm64-1 Complete']);
    },
    200_000,
  );

  test('a new spec does not wait for a build of the old one, which may hang', async () => {
    const { site, namespace } = suite;
    site.hand.plays(namespace, { phase: 'Running' });
    suite.start();
    await site.put(namespace, 'web', simple(site.base));
    await site.becomes(namespace, 'web', { 'linux/arm64': 'Building Building' });
    await site.put(namespace, 'web', simple(site.otherBase, { triggers: { cancelSuperseded: true } }));
    const second = async () => (await site.state(namespace)).builds;
    const wanted = ['web-arm64-1 Cancelled', 'web-arm64-2 Running'];
    expect(await until(second, (seen) => seen.join() === wanted.join(), 60_000)).toEqual(wanted);
    site.hand.plays(namespace, { phase: 'Complete' });
    await site.becomes(namespace, 'web', ready);
  }, 200_000);
});

test('35: a secret in a Secret, an address, a build argument or a log is told nobody', async () => {
  const { site, namespace } = suite;
  const canary = 'canary-5ec2e7';
  const lines: string[] = [];
  const operator = suite.start({ onLog: (line) => lines.push(line) });
  const secret = ['create', 'secret', 'generic', 'hook', '-n', namespace, `--from-literal=WebHookSecretKey=${canary}`]; // prettier-ignore
  await site.plane.kubectl(secret);
  const spec = simple(site.base, {
    buildArgs: [{ name: 'TOKEN', value: canary }],
    triggers: { webhooks: [{ type: 'GitHub', secretRef: { name: 'hook' } }] },
  });
  site.hand.plays(namespace, {
    ...{ phase: 'Failed', reason: 'DockerBuildFailed' },
    logSnippet: `+ curl -H ${canary}\nerror: building at STEP "RUN curl ${canary}": exit status 1`,
  });
  await site.put(namespace, 'web', spec);
  const failed = await site.becomes(namespace, 'web', { Stalled: 'True DockerfileStepFailed' });
  expect(failed.status?.webhooks?.[0]?.path).toContain('<secret>');
  const git = { source: { git: { uri: `https://me:${canary}@example.com/x.git` } } };
  const object = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { namespace, name: 'git' }, spec: git }; // prettier-ignore
  const refused = await site.plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
  expect(refused.exitCode).not.toBe(0);
  site.hand.plays(namespace, { phase: 'Complete' });
  await site.put(namespace, 'web', { ...spec, source: { dockerfile: `FROM ${site.base}\n` } });
  const published = await site.becomes(namespace, 'web', ready);
  // An Event is written after the status that it tells of.
  const events = await until(
    () => site.plane.kubectl(['get', 'events', '-n', namespace, '-o', 'yaml']),
    ({ stdout }) => stdout.includes('BuildSucceeded'),
    60_000,
  );
  const told = [
    failed.status,
    published.status,
    events.stdout,
    lines,
    await operator.metrics.registry.metrics(),
  ];
  expect(events.stdout).toContain('BuildSucceeded');
  expect(lines.length).toBeGreaterThan(5);
  expect(JSON.stringify(told)).not.toContain(canary);
  // It is where the author has put it.
  const config = await site.read<KubeObject & BuildConfig>(buildConfigs, namespace, 'web-arm64');
  expect(JSON.stringify(config)).toContain(canary);
}, 200_000);
