/** What EdgeBuilds need, nodes emulate, for as long as they need it. Runs inside of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { join } from 'node:path';
import { nodeName } from '../cluster/node.ts';
import { kubectl, tryKubectl } from '../manifests/installation.ts';
import {
  type AgentPod,
  agentPods,
  agents,
  apply,
  daemonSet,
  edgeBuild,
  emulation,
  type Emulation,
  emulationLabels,
  entries,
  eventually,
  footprint,
  install,
  type Installation,
  labelled,
  leave,
  namespace,
  noticed,
  ourEntries,
  ourFiles,
  reached,
  removeEdgeBuild,
  scraped,
  timed,
  withoutDaemonSet,
} from './lifecycle-site.ts';

jest.setTimeout(600_000);

let installation: Installation | undefined;
beforeAll(async () => {
  installation = await install();
});
afterAll(async () => {
  await leave(installation);
});

const label = (...changes: readonly string[]): Promise<string> =>
  kubectl('label', 'node', nodeName, '--overwrite', ...changes.map((one) => `emulation.edgebuild.io/${one}`));

interface DaemonSet {
  readonly metadata: {
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
}
const component = async (): Promise<string | undefined> =>
  (await daemonSet<DaemonSet>())?.metadata.labels['app.kubernetes.io/component'];

describe('without a need of emulation', () => {
  test('an EdgeBuild for native nodes alone makes nothing', async () => {
    await noticed('nodeemulation', () =>
      apply(
        edgeBuild('native', { platforms: ['linux/arm64', 'linux/s390x'], execution: 'Native' }),
        edgeBuild('own', { platforms: ['linux/amd64', 'linux/386'] }),
      ),
    );
    expect(await emulation()).toBeUndefined();
    expect(await daemonSet()).toBeUndefined();
  });

  test('a NodeEmulation of another name is refused, and told why', async () => {
    const other = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'NodeEmulation', metadata: { name: 'mine' } };
    await expect(apply({ ...other, spec: {} })).rejects.toThrow(
      'there is one NodeEmulation, for the nodes are shared by all: name it cluster',
    );
  });

  test('labels that somebody puts on a node go', async () => {
    await label('s390x=ready', 'arm64=ready', 'nonsense=1');
    expect(await timed('labels put by hand are gone', () => labelled())).toEqual([]);
  });
});

describe('an EdgeBuild for arm64', () => {
  let first: Emulation;

  beforeAll(async () => {
    await apply(edgeBuild('one'));
    await timed('EdgeBuild applied to labelled, image pulled', () => labelled('arm64'));
    first = await reached('Proven');
  });

  test('makes a NodeEmulation with the defaults', () => {
    expect(first.spec).toEqual({
      ...{ managementState: 'Managed', architectures: [], nodeSelector: {}, tolerations: [], image: '' },
      ...{ credentials: false, foreignHandlers: 'Adopt', resources: {} },
    });
  });

  test('makes the node prove arm64, and label it', async () => {
    expect(await emulationLabels()).toEqual(['arm64=ready']);
    expect(first.status).toMatchObject({
      image: installation?.agentImage,
      qemuVersion: expect.stringMatching(/^\d+\.\d+/),
      architectures: [{ architecture: 'arm64', desiredNodes: 1, readyNodes: 1 }],
    });
    expect(ourEntries()).toEqual([expect.stringMatching(/^edgebuild-aarch64-[0-9a-f]{8}$/)]);
    expect(ourFiles()).toEqual([expect.stringMatching(/^qemu-aarch64-[0-9a-f]{8}$/)]);
  });

  test('shows in `kubectl get`', async () => {
    const [head = '', line = ''] = (await kubectl('get', 'nodeemulation')).split('\n');
    expect(head.split(/\s+/)).toEqual(['NAME', 'READY', 'REASON', 'NODES', 'AGE']);
    expect(line).toMatch(/^cluster +True +Proven +arm64 1\/1 /);
  });

  test('shows in `kubectl describe`, with what has happened', async () => {
    const described = () => kubectl('describe', 'nodeemulation', 'cluster');
    const note = `${nodeName}: programs of arm64 run`;
    const text = await eventually(described, (seen) => seen.includes(note));
    expect(text).toMatch(new RegExp(`Normal +Proven +.*edgebuild.io/operator +${note}`));
    expect(text).toMatch(/Ready Nodes: +1/);
  });

  test('whose proven label is taken off has it again', async () => {
    await label('arm64-');
    expect(await timed('label taken off is back', () => labelled('arm64'))).toEqual(['arm64=ready']);
    await label('arm64=no');
    expect(await labelled('arm64')).toEqual(['arm64=ready']);
  });
});

describe('the DaemonSet of agents', () => {
  test('has its fields again when somebody changed them, and keeps what is not its own', async () => {
    const before = (await agentPods()).map(({ metadata }) => metadata.uid);
    await kubectl('annotate', 'daemonset', 'edgebuild-agent', agents, 'example.com/owner=me');
    await kubectl(
      ...['label', 'daemonset', 'edgebuild-agent', agents, '--overwrite'],
      'app.kubernetes.io/component=mine',
    );
    const restored = () => eventually(component, (seen) => seen === 'node-emulation');
    expect(await timed('a field changed by hand is back', restored)).toBe('node-emulation');
    const { metadata } = (await daemonSet<DaemonSet>()) ?? {};
    expect(metadata?.annotations['example.com/owner']).toBe('me');
    expect((await agentPods()).map((pod) => pod.metadata.uid)).toEqual(before);
  });

  test('is made anew when somebody deleted it, and handlers stay meanwhile', async () => {
    const uid = async (): Promise<string> => (await daemonSet<DaemonSet>())?.metadata.uid ?? '';
    const [before, handlers] = [await uid(), ourEntries()];
    const old = (await agentPods()).map(({ metadata }) => metadata.uid);
    await kubectl('delete', 'daemonset', 'edgebuild-agent', agents);
    await eventually(uid, (seen) => seen !== '' && seen !== before);
    await timed('proven again after the DaemonSet was deleted', async () => {
      // The old one stays until the garbage collector has seen it.
      const isOther = ({ metadata }: AgentPod): boolean => !old.includes(metadata.uid);
      await eventually(agentPods, (pods) => pods.length === 1 && pods.every(isOther));
      await labelled('arm64');
      await reached('Proven');
    });
    expect(ourEntries()).toEqual(handlers);
  });
});

describe('at rest', () => {
  test('the same NodeEmulation applied twice is changed by nobody', async () => {
    const sample = join(installation?.samples ?? '', 'nodeemulation.yaml');
    await kubectl('apply', '-f', sample);
    const before = await reached('Proven');
    expect(await kubectl('apply', '-f', sample)).toMatch(/ unchanged$/);
    expect(await kubectl('diff', '-f', sample)).toBe('');
    // Its status says what happens on nodes meanwhile.
    const { metadata, spec } = before;
    expect(await emulation()).toMatchObject({ metadata: { generation: metadata.generation }, spec });
    expect(before.spec).toMatchObject({ architectures: ['arm64'], managementState: 'Managed' });
  });

  test('it costs no API call but to renew the lease', async () => {
    const sums = (of: Readonly<Record<string, number>>, label: string): Readonly<Record<string, number>> => {
      const found: Record<string, number> = {};
      for (const [labels, count] of Object.entries(of)) {
        const value = new RegExp(`${label}="(\\w+)"`).exec(labels)?.[1] ?? '';
        found[value] = (found[value] ?? 0) + count;
      }
      return found;
    };
    const look = async () => {
      const of = await scraped();
      return {
        ...{ PUT: 0, GET: 0, PATCH: 0, POST: 0, DELETE: 0 },
        ...sums(of('rest_client_requests_total'), 'method'),
        watches: Object.values(of('edgebuild_watch_restarts_total')).reduce((a, b) => a + b, 0),
        kinds: Object.keys(of('edgebuild_watch_last_event_age_seconds')).length,
      };
    };
    const before = await look();
    // Only the lease is written by PUT, and is read before. Nothing else happens meanwhile.
    const renewed = () => eventually(look, ({ PUT }) => PUT >= before.PUT + 2);
    const after = await timed('two renewals of the lease', renewed);
    console.log(`API calls, before and after: ${JSON.stringify([before, after])}`);
    const written = ({ PATCH, POST, DELETE }: typeof before) => ({ PATCH, POST, DELETE });
    expect(written(after)).toEqual(written(before));
    expect(after.PUT).toBeGreaterThanOrEqual(before.PUT + 2);
    // A watch that ends after its time is begun anew by one GET: those that had ended just before, of each kind, too.
    const allowed = after.PUT - before.PUT + (after.watches - before.watches) + after.kinds;
    expect(after.GET - before.GET).toBeLessThanOrEqual(allowed);
  });
});

describe('EdgeBuilds that go', () => {
  test('leave the agent to those that stay', async () => {
    await apply(edgeBuild('two'));
    await kubectl('patch', 'nodeemulation', 'cluster', '--type=merge', '-p', '{"spec":{"architectures":[]}}');
    await reached('Proven');
    const uids = async (): Promise<readonly string[]> =>
      (await agentPods()).map(({ metadata }) => metadata.uid);
    const [before, was] = [await uids(), await footprint()];
    await noticed('nodeemulation', () => removeEdgeBuild('one'));
    await reached('Proven');
    expect(await uids()).toEqual(before);
    expect(await footprint()).toEqual(was);
  });

  test('take it with them when none stays that needs it, and nothing of others', async () => {
    await removeEdgeBuild('two');
    const rest = await timed('last EdgeBuild deleted to node as before', () => reached('NotNeeded'));
    expect(rest.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'True' },
      { type: 'Reconciling', status: 'False' },
      { type: 'Stalled', status: 'False' },
    ]);
    await withoutDaemonSet();
    await labelled();
    expect(await footprint()).toEqual(installation?.found);
    expect(Object.keys(entries())).toEqual(['foreign-text', 'qemu-ia64', 'status']);
    expect((await tryKubectl('get', 'edgebuild', 'native', `--namespace=${namespace}`)).exitCode).toBe(0);
  });
});
