import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '../src/kube/client.ts';
import { openConnection } from '../src/kube/connection.ts';
import { loadKubeConfig } from '../src/kube/kubeconfig.ts';
import { createLeaderElection } from '../src/kube/leader.ts';
import type { Kind } from '../src/kube/objects.ts';
import { createLogger } from '../src/ops/log.ts';
import { lead } from '../src/runtime/lead.ts';

// One candidate: leader-process.ts KUBECONFIG NAMESPACE IDENTITY DURATION/DEADLINE/PERIOD, in seconds. While it leads, it
// writes every 20 ms under its identity as user agent. SIGTERM ends it gracefully.
const [kubeconfig = '', namespace = '', identity = '', leases = ''] = process.argv.slice(2);
const [duration = 0, deadline = 0, period = 0] = leases.split('/').map((text) => Number(text) * 1000);
const connection = openConnection(loadKubeConfig({ kubeconfig }), identity);
const client = createClient({ connection, fieldManager: identity });
const configMaps: Kind = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};
const stop = new AbortController();
process.once('SIGTERM', () => {
  stop.abort();
});
process.stdout.write('synced\n');
await lead({
  ...{ stop: stop.signal, graceMs: 5000, log: createLogger({ level: 'error', format: 'text' }) },
  terms: createLeaderElection(client, {
    ...{ name: { namespace, name: 'leader' }, identity },
    ...{ leaseDurationMs: duration, renewDeadlineMs: deadline, retryPeriodMs: period },
  }),
  work: async (fence, over) => {
    const writer = fence === undefined ? client : client.fencedBy(fence);
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'written' } };
    for (let count = 0; !over.aborted; count += 1) {
      const data = { by: identity, count: String(count) };
      await writer.apply(configMaps, { ...map, ...{ data } }).catch(() => undefined);
      await pause(20);
    }
  },
});
await connection.close();
