/** The cluster in a box is a real one: pods run, Services answer, mounts reach the node. Runs inside of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { until } from '../support/until.ts';
import { busyboxImage } from './images.ts';

jest.setTimeout(600_000);

const namespace = 'box-test';

const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
  const { stdout } = await execa('kubectl', [`--namespace=${namespace}`, ...args], { input });
  return stdout;
};

const apply = (...objects: readonly object[]): Promise<string> =>
  kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

beforeAll(async () => {
  if (process.env['EDGEBUILD_BOX'] === undefined) {
    throw new Error('this runs inside of a box: node test/cluster/enter.ts -- jest PATTERN');
  }
  await kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  removeDirectories();
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found']);
});

const pod = (name: string, command: string, more: object = {}, container: object = {}): object => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busyboxImage, command: ['sh', '-c', command], ...container }],
    ...more,
  },
});

const labels = { app: 'web' };
const web = [
  {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
    spec: {
      ...{ replicas: 2, selector: { matchLabels: labels } },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              ...{ name: 'main', image: busyboxImage },
              command: [
                'sh',
                '-c',
                'mkdir /www && hostname >/www/index.html && exec httpd -f -p 8080 -h /www',
              ],
              readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  },
];

describe('a Service with two replicas', () => {
  beforeAll(async () => {
    await apply(...web, pod('client', 'exec sleep 10000'));
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=300s']);
    await kubectl(['wait', '--for=condition=Ready', 'pod/client', '--timeout=300s']);
  });

  /** Who answered, until both have; and what was wrong the last time, if one of them never did. */
  const answering = async (host: string): Promise<readonly string[]> => {
    const seen = new Set<string>();
    // Debian's busybox 1.35 crashes when its wget is given a timeout of its own.
    const get = ['exec', 'client', '--', 'timeout', '5', 'wget', '-qO-', `http://${host}/`];
    let wrong = '';
    const look = async (): Promise<boolean> => {
      const { stdout, stderr } = await execa('kubectl', [`--namespace=${namespace}`, ...get], {
        reject: false,
      });
      if (stdout === '') wrong = stderr;
      else seen.add(stdout.trim());
      return seen.size === 2;
    };
    return (await until(look, Boolean, 120_000)) ? [...seen].sort() : [...seen, wrong];
  };

  const replicas = async (): Promise<readonly string[]> =>
    (await kubectl(['get', 'pods', '--selector=app=web', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ').sort(); // prettier-ignore

  test('answers from both by its address', async () => {
    const address = await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
    expect(await answering(address)).toEqual(await replicas());
  });

  test.each(['web', `web.${namespace}.svc.cluster.local`])(
    'answers from both by the name %s',
    async (name) => {
      expect(await answering(name)).toEqual(await replicas());
    },
  );
});

test('a privileged pod sees a directory of the node, and the node sees what the pod mounts there', async () => {
  const directory = newDirectory();
  mkdirSync(join(directory, 'mount'));
  writeFileSync(join(directory, 'question'), 'from the node');
  const command = `mount -t tmpfs of-the-pod /host/mount &&
    cat /host/question >/host/mount/answer && touch /host/done && exec sleep 10000`;
  const hostPath = { path: directory, type: 'Directory' };
  const mount = { name: 'host', mountPath: '/host', mountPropagation: 'Bidirectional' };
  const container = { securityContext: { privileged: true }, volumeMounts: [mount] };
  await apply(pod('privileged', command, { volumes: [{ name: 'host', hostPath }] }, container));
  await kubectl(['wait', '--for=condition=Ready', 'pod/privileged', '--timeout=300s']);
  const answer = (): string => {
    try {
      readFileSync(join(directory, 'done'));
      return readFileSync(join(directory, 'mount/answer'), 'utf8');
    } catch {
      return '';
    }
  };
  expect(await until(answer, (text) => text !== '', 60_000)).toBe('from the node');
  await kubectl(['delete', 'pod', 'privileged', '--wait=true']);
  await execa('umount', [join(directory, 'mount')]);
});

test('kubectl builds with kustomize', async () => {
  const directory = newDirectory();
  const kustomization = {
    namePrefix: 'edge-',
    configMapGenerator: [{ name: 'settings', literals: ['a=b'] }],
  };
  writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization));
  const { stdout } = await execa('kubectl', ['kustomize', directory]);
  expect(stdout).toMatch(/^ {2}name: edge-settings-[a-z0-9]+$/m);
  expect(await kubectl(['apply', '-k', directory])).toMatch(/^configmap\/edge-settings-[a-z0-9]+ created$/);
});
