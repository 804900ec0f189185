/** How builds fail, and what becomes of those that fail for a while. Runs inside of a box. */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { startGitServer } from '../support/gitserver.ts';
import { beginCanaries, canaries } from './canaries.ts';
import { beginFailing, failing, pushBases } from './failing.ts';
import { openGate } from './gate.ts';
import { beginPassing, mounted, passing } from './passing.ts';
import { openWhole, type WholeSite } from './whole-site.ts';

jest.setTimeout(1_500_000);

const [server, gate] = [await startGitServer(), await openGate()];
let site: WholeSite | undefined;
beforeAll(async () => {
  site = await openWhole();
  const bases = await pushBases();
  await Promise.all([
    beginFailing(bases, server),
    beginCanaries(bases.good, server),
    beginPassing(gate, server),
  ]);
});
afterAll(async () => {
  gate.close();
  await site?.close();
});

mounted();
failing();
canaries();
passing(gate);
