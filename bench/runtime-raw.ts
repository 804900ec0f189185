import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { load } from 'js-yaml';
import { Agent } from 'undici';

// The same writes as the controllers send, and nothing else: runtime-raw.ts --kubeconfig FILE --namespace NAME
// --count N. Ten at once, the three children of each side by side. Fails loudly if one is not answered with 200 or 201.
const { kubeconfig, namespace, count } = parseArgs({
  options: {
    kubeconfig: { type: 'string', default: '' },
    namespace: { type: 'string', default: '' },
    count: { type: 'string', default: '0' },
  },
}).values;
const config = load(readFileSync(kubeconfig, 'utf8')) as {
  readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
  readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
};
const [{ cluster }] = config.clusters;
const [{ user }] = config.users;
const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();
const agent = new Agent({
  connect: {
    ca: text(cluster['certificate-authority-data']),
    cert: text(user['client-certificate-data']),
    key: text(user['client-key-data']),
  },
});
const origin = cluster['server'] ?? '';

const send = async (method: 'PATCH' | 'GET', path: string, body?: object): Promise<unknown> => {
  const answer = await agent.request({
    ...{ origin, path, method, body: body === undefined ? null : JSON.stringify(body) },
    headers: { 'content-type': 'application/apply-patch+yaml', 'user-agent': 'raw' },
  });
  const answered = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${path}: ${String(answer.statusCode)} ${answered}`);
  return JSON.parse(answered);
};

interface Build {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation: number };
  readonly spec: { readonly source: { readonly dockerfile: string } };
}
const builds = `/apis/edgebuild.io/v1alpha1/namespaces/${namespace}/edgebuilds`;
const query = 'fieldManager=edgebuild&force=true';
const { items } = (await send('GET', builds)) as { items: Build[] };
if (items.length !== Number(count)) throw new Error(`${String(items.length)} objects instead of ${count}`);

const writeAll = async ({ metadata: { name, uid, generation }, spec }: Build): Promise<void> => {
  const owner = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', name, uid };
  const ownerReferences = [{ ...owner, controller: true, blockOwnerDeletion: true }];
  await Promise.all(
    ['a', 'b', 'c'].map((part) =>
      send('PATCH', `/api/v1/namespaces/${namespace}/configmaps/${name}-${part}?${query}`, {
        ...{ apiVersion: 'v1', kind: 'ConfigMap' },
        metadata: { name: `${name}-${part}`, namespace, labels: { app: 'edgebuild' }, ownerReferences },
        data: { part, dockerfile: spec.source.dockerfile },
      }),
    ),
  );
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '3 children' };
  await send('PATCH', `${builds}/${name}/status?${query}`, {
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name, namespace } },
    status: {
      observedGeneration: generation,
      conditions: [{ ...ready, observedGeneration: generation, lastTransitionTime }],
    },
  });
};

const worker = async (): Promise<void> => {
  for (let next = items.shift(); next !== undefined; next = items.shift()) await writeAll(next);
};
await Promise.all(Array.from({ length: 10 }, worker));
await agent.close();
