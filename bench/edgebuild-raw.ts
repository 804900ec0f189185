import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { RawWork, RawWrite } from './edgebuild/raw-work.ts';
import { rawClient } from './raw.ts';

// The same writes as the operator sends, and nothing else: edgebuild-raw.ts --kubeconfig FILE --work FILE. Ten at once. What
// of an EdgeBuild can only be written once its base image is imported waits for that, by one watch. Fails loudly if a
// write is not answered with 200 or 201.
const { values } = parseArgs({
  options: { kubeconfig: { type: 'string', default: '' }, work: { type: 'string', default: '' } },
});
const { namespace, all } = JSON.parse(readFileSync(values.work, 'utf8')) as RawWork;
const { send, watch } = rawClient(values.kubeconfig);

const works = new Map(all.map((one) => [one.baseStream, one]));
const imported = new Set<string>();
const ready = all.map(({ first }) => first);
let left = 2 * all.length;
const idle: (() => void)[] = [];
const offer = (work: readonly RawWrite[]): void => {
  ready.push(work);
  idle.shift()?.();
};

const followImports = async (): Promise<void> => {
  const path = `/apis/image.openshift.io/v1/namespaces/${namespace}/imagestreams?watch=true`;
  for await (const line of createInterface({ input: await watch(path), crlfDelay: Infinity })) {
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
void followImports();
await Promise.all(Array.from({ length: 10 }, worker));
process.exit(0);
