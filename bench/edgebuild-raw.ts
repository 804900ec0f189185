import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { load } from 'js-yaml';
import { Agent } from 'undici';
import type { RawWork, RawWrite } from './edgebuild/raw-work.ts';

// The same writes as the operator sends, and nothing else: edgebuild-raw.ts --kubeconfig FILE --work FILE. Ten at once. What
// of an EdgeBuild can only be written once its base image is imported waits for that, by one watch. Fails loudly if a
// write is not answered with 200 or 201.
const { values } = parseArgs({
  options: { kubeconfig: { type: 'string', default: '' }, work: { type: 'string', default: '' } },
});
const { namespace, all } = JSON.parse(readFileSync(values.work, 'utf8')) as RawWork;
const config = load(readFileSync(values.kubeconfig, 'utf8')) as {
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
  bodyTimeout: 0,
});
const origin = cluster['server'] ?? '';
const headers = { 'user-agent': 'raw' };

const send = async ({ method, path, body }: RawWrite): Promise<void> => {
  const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
  const answer = await agent.request({
    ...{ origin, path, method, body: JSON.stringify(body), headers: { ...headers, 'content-type': type } },
  });
  const answered = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${path}: ${String(answer.statusCode)} ${answered}`);
};

const works = new Map(all.map((one) => [one.baseStream, one]));
const imported = new Set<string>();
const ready = all.map(({ first }) => first);
let left = 2 * all.length;
const idle: (() => void)[] = [];
const offer = (work: readonly RawWrite[]): void => {
  ready.push(work);
  idle.shift()?.();
};

const watch = async (): Promise<void> => {
  const path = `/apis/image.openshift.io/v1/namespaces/${namespace}/imagestreams?watch=true`;
  const { body } = await agent.request({ origin, path, method: 'GET', headers });
  for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
    const { object } = JSON.parse(line) as { readonly object: Stream };
    const work = works.get(object.metadata.name);
    if (work === undefined || imported.has(object.metadata.name)) continue;
    if (object.status?.tags?.[0]?.items?.[0] === undefined) continue;
    imported.add(object.metadata.name);
    offer(work.then);
  }
};
interface Stream {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly tags?: readonly { readonly items?: readonly unknown[] | null }[] };
}

const worker = async (): Promise<void> => {
  while (left > 0) {
    const next = ready.shift();
    if (next === undefined) {
      await new Promise<void>((resolve) => idle.push(resolve));
      continue;
    }
    left -= 1;
    for (const write of next) await send(write);
  }
  // Those that wait for work have none left.
  for (const wake of idle.splice(0)) wake();
};
void watch();
await Promise.all(Array.from({ length: 10 }, worker));
process.exit(0);
