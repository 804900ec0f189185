/** BuildConfigs and Builds: what starts one, who may, and what happens when the API is away. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { clusterPrograms } from '../cluster/programs.ts';
import { startRegistry } from '../support/registry.ts';
import { until } from '../support/until.ts';
import { openApi } from './api.ts';
import { type Fields, imageOf, openSite, type OpenShiftSite } from './control-plane-site.ts';
import { freshnessOf } from './installation.ts';
import { pushImages } from './pushing.ts';

jest.setTimeout(300_000);

const builds = '/apis/build.openshift.io/v1/namespaces/demo';
const streams = '/apis/image.openshift.io/v1/namespaces/demo/imagestreams';
const registry = await startRegistry({}, 'http');
let site: OpenShiftSite;
/** Kubernetes looks at some things once in 30 s, or in 60 s. */
const patience = 180_000;

beforeAll(async () => {
  await clusterPrograms();
  site = await openSite(registry.host);
  await site.plane.kubectl(['create', 'namespace', 'demo']);
}, 3_600_000);

afterAll(() => site.close());

const configOf = (name: string, spec: object = {}, metadata: object = {}) => ({
  ...{ apiVersion: 'build.openshift.io/v1', kind: 'BuildConfig' },
  metadata: { namespace: 'demo', name, ...metadata },
  spec: {
    source: { dockerfile: 'FROM x\n' },
    strategy: { dockerStrategy: { from: { kind: 'DockerImage', name: 'example.com/base:1' } } },
    output: { to: { kind: 'ImageStreamTag', name: 'out:latest' } },
    ...spec,
  },
});

const requestOf = (name: string, more: object = {}) => ({
  ...{ apiVersion: 'build.openshift.io/v1', kind: 'BuildRequest', metadata: { name } },
  ...more,
});

const instantiate = (name: string, more: object = {}) =>
  site.ask('POST', `${builds}/buildconfigs/${name}/instantiate`, requestOf(name, more));

const buildsOf = async (name: string): Promise<readonly Fields[]> => {
  const { body } = await site.ask('GET', `${builds}/builds?labelSelector=buildconfig%3D${name}`);
  return (body?.['items'] ?? []) as unknown as readonly Fields[];
};

/** A BuildConfig counts a build just before the build is there. */
const causesOfTwo = async (config: string): Promise<readonly unknown[]> => {
  const made = await until(
    () => buildsOf(config),
    ({ length }) => length >= 2,
    patience,
  );
  return made.map(({ spec }) => spec?.['triggeredBy']);
};

const namesOf = async (config: string): Promise<readonly unknown[]> =>
  (await buildsOf(config)).map(({ metadata }) => metadata?.['name']);

const lastVersionIs =
  (version: number) =>
  ({ status }: Fields): boolean =>
    Number(status?.['lastVersion']) === version;

/** A stream `name` with this image as its tag 1; returns the reference by digest. */
const base = async (name: string, word: string): Promise<string> => {
  const { digest } = await pushImages({ host: registry.host, repository: name, tag: '1' }, [
    imageOf('amd64', word),
  ]);
  const from = { kind: 'DockerImage', name: `${registry.host}/${name}:1` };
  await site.apply({
    ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', metadata: { namespace: 'demo', name } },
    spec: { tags: [{ name: '1', from, generation: 0 }] },
  });
  await site.eventually(`${streams}/${name}`, ({ status }) =>
    JSON.stringify(status?.['tags']?.[0]?.['items']).includes(digest),
  );
  return `${registry.host}/${name}@${digest}`;
};

describe('instantiate', () => {
  test('of two that want the same last version, one makes a build', async () => {
    await site.apply(configOf('race'));
    const answers = await Promise.all([0, 0].map((lastVersion) => instantiate('race', { lastVersion })));
    expect(answers.map(({ code }) => code).sort()).toEqual([201, 400]);
    expect(answers.find(({ code }) => code === 400)?.body).toMatchObject({
      reason: 'BadRequest',
      message: 'the LastVersion(1) on build config demo/race does not match the build request LastVersion(0)',
    });
    expect(await namesOf('race')).toEqual(['race-1']);
  });

  test('without a last version, each makes one', async () => {
    await site.apply(configOf('many'));
    const answers = await Promise.all([1, 2].map(() => instantiate('many')));
    expect(answers.map(({ code }) => code)).toEqual([201, 201]);
    expect(await namesOf('many')).toEqual(['many-1', 'many-2']);
  });

  test('merges what the request brings: the own labels win, the given arguments', async () => {
    await site.apply(configOf('merged', {}, { labels: { a: 'config' } }));
    const { body } = await instantiate('merged', {
      metadata: { name: 'merged', labels: { a: 'request', b: 'request' }, annotations: { c: 'request' } },
      env: [{ name: 'E', value: '1' }],
      dockerStrategyOptions: { buildArgs: [{ name: 'A', value: '2' }], noCache: true },
    });
    expect(body?.['metadata']).toMatchObject({
      labels: { a: 'config', b: 'request', 'openshift.io/build-config.name': 'merged' },
      annotations: { c: 'request', 'openshift.io/build.number': '1' },
    });
    expect(body?.['spec']?.['strategy']?.['dockerStrategy']).toMatchObject({
      ...{ env: [{ name: 'E', value: '1' }], buildArgs: [{ name: 'A', value: '2' }], noCache: true },
    });
  });

  test('resolves each image that a build is made of', async () => {
    const [one, other] = [await base('one', 'one'), await base('other', 'other')];
    const tag = (name: string) => ({ kind: 'ImageStreamTag', name: `${name}:1` });
    const source = { dockerfile: 'FROM x\n', images: [{ from: tag('other'), as: ['x'] }] };
    await site.apply(configOf('resolved', { source, strategy: { dockerStrategy: { from: tag('one') } } }));
    const { body } = await instantiate('resolved');
    const image = (name: string) => ({ kind: 'DockerImage', name });
    expect(body?.['spec']).toMatchObject({
      source: { images: [{ from: image(other), as: ['x'] }] },
      strategy: { dockerStrategy: { from: image(one) } },
    });
  });

  test('cuts the labels of a long name, and keeps the annotation whole', async () => {
    const name = 'n'.repeat(200);
    await site.apply(configOf(name));
    const { body } = await instantiate(name);
    expect(body?.['metadata']).toMatchObject({
      ...{ name: `${name}-1`, labels: { buildconfig: 'n'.repeat(63) } },
      annotations: { 'openshift.io/build-config.name': name },
    });
    const longest = 'm'.repeat(253);
    await site.apply(configOf(longest));
    const { body: cut } = await instantiate(longest);
    expect(cut?.['metadata']?.['name']).toMatch(/^m{242}-[0-9a-f]{8}-1$/);
  });
});

describe('triggers', () => {
  test('ConfigChange starts the first build, and no edit another', async () => {
    const triggers = [{ type: 'ConfigChange' }];
    await site.apply(configOf('config', { triggers }));
    await site.eventually(`${builds}/buildconfigs/config`, lastVersionIs(1));
    const source = { dockerfile: 'FROM y\n' };
    await site.apply(configOf('config', { triggers, source }));
    // This one does start a build: the edit has been seen by then.
    await base('marker', 'marker');
    const from = { kind: 'ImageStreamTag', name: 'marker:1' };
    const followed = [...triggers, { type: 'ImageChange', imageChange: { from } }];
    await site.apply(configOf('config', { triggers: followed, source }));
    await site.eventually(
      `${builds}/buildconfigs/config`,
      ({ status }) => Number(status?.['lastVersion']) > 1,
    );
    expect(await causesOfTwo('config')).toMatchObject([
      [{ message: 'Build configuration change' }],
      [{ message: 'Image change' }],
    ]);
  });

  test('ImageChange starts one whenever its tag has another image', async () => {
    const from = { kind: 'ImageStreamTag', name: 'moving:1' };
    const strategy = { dockerStrategy: { from } };
    const triggers = [{ type: 'ConfigChange' }, { type: 'ImageChange', imageChange: {} }];
    await site.apply(configOf('image', { strategy, triggers }));
    expect((await instantiate('image')).code).toBe(422);
    for (const [index, word] of ['first', 'second'].entries()) {
      const reference = await base('moving', word);
      const path = `${builds}/buildconfigs/image`;
      const config = await site.eventually(path, lastVersionIs(index + 1));
      expect(config['status']?.['imageChangeTriggers']).toMatchObject([
        { from: { name: 'moving:1' }, lastTriggeredImageID: reference },
      ]);
    }
    expect(await causesOfTwo('image')).toMatchObject([
      [{ message: 'Image change' }],
      [{ message: 'Image change', imageChangeBuild: { fromRef: from } }],
    ]);
  });

  test('webhooks start one for whoever knows the secret', async () => {
    await site.plane.kubectl([
      ...['create', 'secret', 'generic', 'hook', '-n', 'demo', '--from-literal=WebHookSecretKey=canary'],
    ]);
    const secretReference = { name: 'hook' };
    await site.apply(
      configOf('hooked', {
        triggers: [
          { type: 'Generic', generic: { secretReference } },
          { type: 'GitHub', github: { secretReference } },
        ],
      }),
    );
    const post = (secret: string, type: string, body: object = {}) =>
      site.ask('POST', `${builds}/buildconfigs/hooked/webhooks/${secret}/${type}`, body);
    const { code, body } = await post('canary', 'generic');
    expect({ code, body }).toMatchObject({ code: 200, body: { metadata: { name: 'hooked-1' } } });
    expect(body?.['spec']?.['triggeredBy']).toEqual([
      { message: 'Generic WebHook', genericWebHook: { secret: '<secret>' } },
    ]);
    expect(await post('wrong', 'generic')).toMatchObject({
      ...{ code: 401, body: { reason: 'Unauthorized' } },
    });
    expect((await post('canary', 'gitlab')).code).toBe(401);
    expect((await post('canary', 'nosuch')).code).toBe(404);
    expect((await post('canary', 'github')).code).toBe(400);
    expect(await namesOf('hooked')).toEqual(['hooked-1']);
  });
});

describe('a BuildConfig', () => {
  test('that is applied again in the form that the server has does not change', async () => {
    const config = configOf('calm', {
      source: { contextDir: 'sub', git: { uri: 'https://example.com/x.git' } },
      strategy: { dockerStrategy: { dockerfilePath: 'X', buildArgs: [{ name: 'A', value: '1' }] } },
      resources: { requests: { cpu: '1', memory: '1Gi' } },
      nodeSelector: { a: 'b' },
    });
    const before = await site.apply(config);
    const after = await site.apply(config);
    expect(after['metadata']).toEqual(before['metadata']);
  });

  test.each([
    ['contextDir', { source: { dockerfile: 'FROM x', contextDir: './sub/' } }],
    ['dockerfilePath', { strategy: { dockerStrategy: { dockerfilePath: './X' } } }],
  ])('whose %s is not clean has another generation each time', async (name, spec) => {
    const seen: Fields[] = [];
    const applied = configOf(name.toLowerCase(), spec);
    for (let times = 0; times < 3; times += 1) seen.push(await site.apply(applied));
    expect(seen.map(({ metadata }) => metadata?.['generation'])).toEqual([1, 2, 3]);
    expect(JSON.stringify(seen.map(({ spec: is }) => is))).not.toContain('./');
  });

  test('has no /status', async () => {
    expect((await site.ask('GET', `${builds}/buildconfigs/calm/status`)).code).toBe(404);
  });

  test('takes its builds along, and goes with its own owner', async () => {
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner' } };
    const { body } = await site.ask('POST', '/api/v1/namespaces/demo/configmaps', owner);
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: body?.['metadata']?.['uid'] },
    ];
    await site.apply(configOf('owned', {}, { ownerReferences }));
    await instantiate('owned');
    await site.ask('DELETE', '/api/v1/namespaces/demo/configmaps/owner');
    const left = async (): Promise<readonly unknown[]> => [
      ...(await namesOf('owned')),
      (await site.ask('GET', `${builds}/buildconfigs/owned`)).code,
    ];
    expect(await until(left, (seen) => seen.length === 1 && seen[0] === 404, patience)).toEqual([404]);
  });

  test('keeps as many finished builds as it is told to', async () => {
    await site.apply(configOf('kept', { successfulBuildsHistoryLimit: 1, failedBuildsHistoryLimit: 0 }));
    for (const [index, phase] of ['Complete', 'Failed', 'Complete'].entries()) {
      await instantiate('kept');
      const path = `${builds}/builds/kept-${index + 1}`;
      await site.ask('PATCH', path, { status: { phase } }, 'application/merge-patch+json');
    }
    expect(
      await until(
        () => namesOf('kept'),
        (names) => names.length === 1,
        60_000,
      ),
    ).toEqual(['kept-3']);
  });
});

describe('a Build', () => {
  test('is cancelled by its status, and has a spec that never changes', async () => {
    await site.apply(configOf('fixed'));
    await instantiate('fixed');
    const patch = (body: object) =>
      site.ask('PATCH', `${builds}/builds/fixed-1`, body, 'application/merge-patch+json');
    const cancelled = await patch({ status: { cancelled: true } });
    expect(cancelled).toMatchObject({ code: 200, body: { status: { cancelled: true } } });
    expect(await patch({ spec: { source: { dockerfile: 'FROM y' } } })).toMatchObject({ code: 422 });
  });
});

describe('rights', () => {
  const userWith = async (user: string, rules: readonly object[]): Promise<OpenShiftSite['ask']> => {
    const kubeconfig = await site.plane.kubeconfigFor({ user });
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: user, namespace: 'demo' } };
    const path = '/apis/rbac.authorization.k8s.io/v1/namespaces/demo';
    await site.ask('POST', `${path}/roles`, { ...role, kind: 'Role', rules });
    await site.ask('POST', `${path}/rolebindings`, {
      ...{ ...role, kind: 'RoleBinding', subjects: [{ kind: 'User', name: user }] },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    });
    await site.untilAllowed(user, 'create', 'buildconfigs.build.openshift.io', '-n', 'demo');
    return site.as(kubeconfig);
  };
  const config = {
    ...{ apiGroups: ['build.openshift.io'], resources: ['buildconfigs', 'buildconfigs/instantiate'] },
    verbs: ['create', 'get', 'patch'],
  };
  const docker = { apiGroups: ['build.openshift.io'], resources: ['builds/docker'], verbs: ['create'] };

  test('whoever may not make docker builds makes no BuildConfig of one, and starts none', async () => {
    const user = await userWith('nodocker', [config]);
    const refused = (name: string) => ({
      code: 403,
      body: {
        reason: 'Forbidden',
        message: `buildconfigs.build.openshift.io "${name}" is forbidden: build strategy Docker is not allowed`,
      },
    });
    const made = await user('POST', `${builds}/buildconfigs`, configOf('denied'));
    expect(made).toMatchObject(refused('denied'));
    await site.apply(configOf('theirs'));
    const started = await user('POST', `${builds}/buildconfigs/theirs/instantiate`, requestOf('theirs'));
    expect(started).toMatchObject(refused('theirs'));
    expect(await namesOf('theirs')).toEqual([]);
  });

  test('whoever may, does, but blocks no deletion of what is not theirs', async () => {
    const user = await userWith('docker', [config, docker]);
    const { body } = await site.ask('POST', '/api/v1/namespaces/demo/configmaps', {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'blocked' } },
    });
    const uid = body?.['metadata']?.['uid'];
    const owned = (name: string, blockOwnerDeletion: boolean) =>
      configOf(
        name,
        {},
        {
          ownerReferences: [
            { apiVersion: 'v1', kind: 'ConfigMap', name: 'blocked', uid, blockOwnerDeletion },
          ],
        },
      );
    expect((await user('POST', `${builds}/buildconfigs`, owned('free', false))).code).toBe(201);
    const blocked = await user('POST', `${builds}/buildconfigs`, owned('blocking', true));
    expect(blocked.code).toBe(403);
    expect(blocked.text).toContain("can't set finalizers on");
  });
});

describe('an outage', () => {
  test('is a 503 in plain text, leaves watches open, and is over', async () => {
    const api = await openApi(site.plane.kubeconfig);
    await site.apply(configOf('watched'));
    const watch = await api.send({ method: 'GET', path: `${builds}/buildconfigs?watch=true` });
    const said: string[] = [];
    watch.body.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const ended = new Promise<string>((resolve) => {
      watch.body.once('end', () => {
        resolve('end');
      });
      watch.body.once('error', () => {
        resolve('error');
      });
    });
    const before = await until(
      () => said.join(),
      (text) => text.includes('watched'),
      patience,
    );
    expect(before).toContain('watched');
    site.openShift.outage();
    try {
      const away = await until(
        () => site.ask('GET', `${builds}/buildconfigs`),
        ({ code }) => code === 503,
        patience,
      );
      expect(away.code).toBe(503);
      expect(away.text).toMatch(/^(error trying to reach service: |service unavailable)/);
      expect(away.headers['content-type']).toContain('text/plain');
      const stale = await until(
        () => freshnessOf(api, 'build.openshift.io'),
        (seen) => seen === 'Stale',
        patience,
      );
      expect(stale).toBe('Stale');
      expect(await Promise.race([ended, Promise.resolve('open')])).toBe('open');
    } finally {
      await site.openShift.restore();
    }
    expect(['end', 'error']).toContain(await ended);
    expect((await site.ask('GET', `${builds}/buildconfigs/watched`)).code).toBe(200);
    await api.close();
  });
});
