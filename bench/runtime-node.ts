import { parseArgs } from 'node:util';
import { createClient } from '../src/kube/client.ts';
import { openConnection } from '../src/kube/connection.ts';
import { loadKubeConfig } from '../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../src/kube/objects.ts';
import { createStore } from '../src/kube/store.ts';
import { createLogger } from '../src/ops/log.ts';
import { createApplyChildren } from '../src/runtime/children.ts';
import { createController } from '../src/runtime/controller.ts';
import { done } from '../src/runtime/outcome.ts';
import { edgeBuilds } from '../src/edgebuild/kinds.ts';

// The controller that bench/twin is the twin of: runtime-node.ts --kubeconfig FILE --namespace NAME. An EdgeBuild has three
// ConfigMaps that repeat its Dockerfile, and a status that counts them.
interface Build extends KubeObject {
  readonly spec: { readonly source: { readonly dockerfile?: string } };
  readonly status?: { readonly observedGeneration?: number };
}

const { kubeconfig, namespace } = parseArgs({
  options: {
    kubeconfig: { type: 'string', default: '' },
    namespace: { type: 'string', default: '' },
  },
}).values;
const configMaps: Kind = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};
const client = createClient({
  connection: openConnection(loadKubeConfig({ kubeconfig })),
  fieldManager: 'edgebuild',
});
const settings = { fieldManager: 'edgebuild', namespace };
const root = createStore<Build>(client, edgeBuilds, settings);
const maps = createStore<KubeObject>(client, configMaps, settings);
const applyChildren = createApplyChildren();

const childOf = (build: Build, part: string): KubeObject & { readonly data: object } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `${build.metadata.name}-${part}`, labels: { app: 'edgebuild' } },
  data: { part, dockerfile: build.spec.source.dockerfile ?? '' },
});

const controller = createController<Build>({
  ...{ name: 'bench', root, owned: [maps], workers: 10, timeoutMs: 60_000 },
  log: createLogger({ level: 'error', format: 'text' }),
  reconcile: async ({ object, client: writer }) => {
    const desired = ['a', 'b', 'c'].map((part) => ({ store: maps, object: childOf(object, part) }));
    await applyChildren({ client: writer, owner: root, object, desired, stores: [maps] });
    const { metadata, status } = object;
    if (status?.observedGeneration === metadata.generation) return done;
    root.learn(
      await writer.patchStatus<Build>(edgeBuilds, {
        apiVersion: object.apiVersion,
        kind: object.kind,
        metadata: { namespace, name: metadata.name },
        status: {
          observedGeneration: metadata.generation,
          conditions: [
            {
              ...{ type: 'Ready', status: 'True', reason: 'Ready', message: '3 children' },
              observedGeneration: metadata.generation,
              lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
            },
          ],
        },
      }),
    );
    return done;
  },
});

const stop = new AbortController();
process.once('SIGTERM', () => process.exit(0));
const settled = async (): Promise<void> => {
  await Promise.all([root.settled(stop.signal), maps.settled(stop.signal)]);
  process.stdout.write('synced\n');
};
await Promise.all([
  settled(),
  root.run(stop.signal),
  maps.run(stop.signal),
  controller.run(client, stop.signal, stop.signal),
]);
