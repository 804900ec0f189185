/** What starts builds, what holds them up, and an outage of what builds. Runs inside of a box. */
import { afterAll, beforeAll, jest } from '@jest/globals';
import type { OpenShift } from '../openshift/stand-in.ts';
import { openGate } from './gate.ts';
import { beginOutage, outage } from './outage.ts';
import { beginTriggered, changedBases, changedSpecs, heldBuilds, otherStarts } from './triggered.ts';
import { openWhole, pushBase, type WholeSite } from './whole-site.ts';

jest.setTimeout(1_500_000);

const gate = await openGate();
let site: WholeSite | undefined;
let openShift: OpenShift;
let base = '';
beforeAll(async () => {
  site = await openWhole();
  ({ openShift } = site);
  base = await pushBase('bases/busybox:1', { platform: 'linux/amd64' }, { platform: 'linux/arm64' });
  await Promise.all([beginTriggered(base, gate), beginOutage(base, gate)]);
});
afterAll(async () => {
  gate.close();
  await site?.close();
});

changedSpecs(() => base);
changedBases();
otherStarts();
heldBuilds(() => base, gate);
outage(
  () => openShift,
  () => base,
  gate,
);
