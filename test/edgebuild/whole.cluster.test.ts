/** The whole product in a box: from sources to images that are pulled and run. Runs inside of a box. */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { startGitServer } from '../support/gitserver.ts';
import { beginDeployed, deleted, deployed, longNames } from './whole-deployed.ts';
import { beginPublished, onePlatform, severalPlatforms } from './whole-published.ts';
import { authors, beginRights, operatorsRights, workloads } from './whole-rights.ts';
import { openWhole, pushBase, type WholeSite } from './whole-site.ts';
import { beginSources, sources } from './whole-sources.ts';

jest.setTimeout(1_500_000);

const server = await startGitServer();
let site: WholeSite | undefined;
let base = '';
beforeAll(async () => {
  site = await openWhole();
  base = await pushBase(
    'bases/busybox:1',
    ...(['linux/amd64', 'linux/arm64', 'linux/arm/v7'] as const).map((platform) => ({ platform })),
  );
  await Promise.all([beginPublished(base), beginDeployed(base), beginSources(base, server), beginRights()]);
});
afterAll(() => site?.close());

// Builds go on meanwhile.
operatorsRights();
workloads();
authors();
onePlatform(() => base);
severalPlatforms(() => base);
sources();
longNames();
deployed();
deleted();
