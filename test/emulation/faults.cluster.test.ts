/** What may happen to a node's handlers, done to the real node of a box: each heals, or is named. Runs inside of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { kubectl } from '../manifests/installation.ts';
import { healedFaults } from './faults-healed.ts';
import { namedFaults } from './faults-named.ts';
import { proven, stopWatching, watch } from './faults-site.ts';
import { pushArm64 } from './lifecycle-images.ts';
import { apply, eventually, install, type Installation, leave, namespace, timed } from './lifecycle-site.ts';

jest.setTimeout(600_000);

let installation: Installation | undefined;
beforeAll(async () => {
  installation = await install();
  const sample = join(installation.samples, 'edgebuild.yaml');
  await timed('the sample applied until arm64 is proven', async () => {
    await kubectl(`--namespace=${namespace}`, 'apply', '-f', sample);
    await eventually(() => kubectl('get', 'nodeemulation', '-o', 'name'), (names) => names !== ''); // prettier-ignore
    watch();
    await proven();
  });
});
afterAll(async () => {
  await stopWatching();
  await leave(installation);
});

const read = (from: () => string): string => {
  try {
    return from();
  } catch {
    // A process that has ended meanwhile.
    return '';
  }
};

/** All in one pid namespace with a process whose command line has this word. */
const processesWith = (word: string): readonly string[] => {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const spaceOf = (pid: string): string => read(() => readlinkSync(join('/proc', pid, 'ns/pid')));
  const first = all.find(
    (pid) =>
      read(() => readFileSync(join('/proc', pid, 'cmdline'), 'latin1')).includes(word) &&
      spaceOf(pid) !== spaceOf('self'),
  );
  return first === undefined ? [] : all.filter((pid) => spaceOf(pid) === spaceOf(first));
};

test('a pod from an arm64 image runs on the amd64 node: uname says aarch64, and each process is qemu-aarch64', async () => {
  const script = `uname -m; mkfifo /tmp/seed-evidence; sh -c 'read x </tmp/seed-evidence' & read y </tmp/seed-evidence`;
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'seed', namespace } },
    spec: {
      nodeSelector: { 'emulation.edgebuild.io/arm64': 'ready', 'kubernetes.io/arch': 'amd64' },
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: await pushArm64(), command: ['sh', '-c', script] }],
    },
  };
  await apply(pod);
  await kubectl('wait', '--for=condition=Ready', `--namespace=${namespace}`, 'pod/seed', '--timeout=180s');
  const log = () => kubectl('logs', `--namespace=${namespace}`, 'seed');
  expect(await eventually(log, (text) => text !== '')).toBe('aarch64');
  const processes = await eventually(() => processesWith('seed-evidence'), ({ length }) => length === 2); // prettier-ignore
  const executables = processes.map((pid) => readlinkSync(join('/proc', pid, 'exe')));
  expect(executables).toEqual(Array(2).fill(expect.stringMatching(/\/qemu-aarch64-[0-9a-f]{8}$/)));
  await kubectl('delete', `--namespace=${namespace}`, 'pod', 'seed');
});

describe('a fault', healedFaults);
describe('a fault that lasts', namedFaults);
