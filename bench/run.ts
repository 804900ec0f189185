/** `make bench`: `node bench/run.ts [start|build|verify]…`, all of them without a name. docs/benchmarks.md says how. */
import { benchBuild } from './build.ts';
import { benchStart } from './start.ts';
import { benchVerify } from './verify.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  start: benchStart,
  build: () => benchBuild(5),
  verify: () => benchVerify(5),
};

const given = process.argv.slice(2);
const unknown = given.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; one of ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
for (const name of given.length > 0 ? given : Object.keys(benches)) await benches[name]?.();
