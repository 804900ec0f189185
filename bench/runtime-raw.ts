import { parseArgs } from 'node:util';
import { rawClient } from './raw.ts';

// The same writes as the controllers send, and nothing else: runtime-raw.ts --kubeconfig FILE --namespace NAME
// --count N. Ten at once, the three children of each side by side. Fails loudly if one is not answered with 200 or 201.
const { kubeconfig, namespace, count } = parseArgs({
  options: {
    kubeconfig: { type: 'string', default: '' },
    namespace: { type: 'string', default: '' },
    count: { type: 'string', default: '0' },
  },
}).values;
const { send, close } = rawClient(kubeconfig);

interface Build {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation: number };
  readonly spec: { readonly source: { readonly dockerfile: string } };
}
const builds = `/apis/edgebuild.io/v1alpha1/namespaces/${namespace}/edgebuilds`;
const query = 'fieldManager=edgebuild&force=true';
const { items } = JSON.parse(await send({ method: 'GET', path: builds })) as { items: Build[] };
if (items.length !== Number(count)) throw new Error(`${String(items.length)} objects instead of ${count}`);

const writeAll = async ({ metadata: { name, uid, generation }, spec }: Build): Promise<void> => {
  const owner = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', name, uid };
  const ownerReferences = [{ ...owner, controller: true, blockOwnerDeletion: true }];
  await Promise.all(
    ['a', 'b', 'c'].map((part) =>
      send({
        method: 'PATCH',
        path: `/api/v1/namespaces/${namespace}/configmaps/${name}-${part}?${query}`,
        body: {
          ...{ apiVersion: 'v1', kind: 'ConfigMap' },
          metadata: { name: `${name}-${part}`, namespace, labels: { app: 'edgebuild' }, ownerReferences },
          data: { part, dockerfile: spec.source.dockerfile },
        },
      }),
    ),
  );
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '3 children' };
  await send({
    method: 'PATCH',
    path: `${builds}/${name}/status?${query}`,
    body: {
      ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name, namespace } },
      status: {
        observedGeneration: generation,
        conditions: [{ ...ready, observedGeneration: generation, lastTransitionTime }],
      },
    },
  });
};

const worker = async (): Promise<void> => {
  for (let next = items.shift(); next !== undefined; next = items.shift()) await writeAll(next);
};
await Promise.all(Array.from({ length: 10 }, worker));
await close();
