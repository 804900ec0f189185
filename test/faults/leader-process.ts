import { setTimeout as pause } from 'node:timers/promises';
import { createLeaderElection } from '../../src/kube/leader.ts';
import { clientBy, configMaps } from './gadgets.ts';

// One candidate: node leader-process.ts KUBECONFIG NAMESPACE IDENTITY. While it leads, it writes as fast as it can. SIGTERM
// ends it gracefully.
const [kubeconfig = '', namespace = '', identity = ''] = process.argv.slice(2);
const { client, close } = clientBy(kubeconfig);
const stop = new AbortController();
process.once('SIGTERM', () => {
  stop.abort();
});

const election = createLeaderElection(client, {
  name: { namespace, name: 'leader' },
  identity,
  // Between the two lies more than a write takes, on however busy a machine.
  ...{ leaseDurationMs: 6000, renewDeadlineMs: 2000, retryPeriodMs: 400 },
});

while (!stop.signal.aborted) {
  const term = await election.lead(stop.signal).catch(() => undefined);
  if (term === undefined) break;
  const writer = client.fencedBy(term.fence);
  const isOver = (): boolean => stop.signal.aborted || term.fence.signal.aborted;
  for (let count = 0; !isOver(); count += 1) {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'written' } };
    await writer
      .apply(configMaps, { ...map, data: { by: identity, count: String(count) } } as typeof map, {
        deadlineMs: 1000,
      })
      .catch(() => undefined);
    await pause(5);
  }
  await term.release();
}
await close();
