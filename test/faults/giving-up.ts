/**
 * `node giving-up.ts KUBECONFIG NAMESPACE`: gives up writes at each moment at which they may be half sent, and says
 * "alive" if calls are still answered then. A process of its own, since one that is caught in such a write never
 * comes back to its event loop.
 */
import { argv } from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { clientBy, configMaps } from './gadgets.ts';

const [kubeconfig = '', namespace = ''] = argv.slice(2);
const { client, close } = clientBy(kubeconfig);
const answered = (): Promise<unknown> => client.list(configMaps, { namespace }).next();

const giveUp = async (length: number, turns: number): Promise<string> => {
  const givingUp = new AbortController();
  const object = {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: `given-up-${length}-${turns}` } },
    data: { text: 'x'.repeat(length) },
  };
  const write = client.create(configMaps, object, { signal: givingUp.signal });
  const ended = write.then(
    () => 'written',
    (error: unknown) => String(error),
  );
  for (let left = turns; left > 0; left -= 1) await turn();
  givingUp.abort(new Error('given up'));
  return ended;
};

await answered();
// More than the server's window takes at once, and what leaves in one frame.
for (const length of [900_000, 1]) {
  for (let turns = 0; turns < 8; turns += 1) console.log(length, turns, await giveUp(length, turns));
}
await answered();
console.log('alive');
await close();
