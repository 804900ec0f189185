/** Removes the oldest finished Builds of a BuildConfig beyond its limits. */
import type { Client } from '../../src/kube/client.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { Api } from './api.ts';
import { isOver } from './build.ts';
import { type Follower, followEach } from './follow.ts';
import { builds } from './groups.ts';
import { orUndefined, readBuildConfig } from './paths.ts';
import type { Build } from './shapes.ts';

export const startHistory = (api: Api, client: Client): Follower =>
  followEach<Build>(client, builds, async (build, store) => {
    const owner = build.status?.config;
    if (!isOver(build) || owner?.name === undefined) return;
    const { namespace = '' } = build.metadata;
    const config = await orUndefined(readBuildConfig(api, namespace, owner.name));
    if (config === undefined) return;
    const finished = store
      .list()
      .filter((one) => one.metadata.namespace === namespace && one.status?.config?.name === owner.name)
      .filter(isOver)
      .sort((one, other) => numberOf(other) - numberOf(one));
    const isGood = ({ status }: Build): boolean => status?.phase === 'Complete';
    const { successfulBuildsHistoryLimit: good, failedBuildsHistoryLimit: bad } = config.spec ?? {};
    const surplus = [
      ...(good === undefined ? [] : finished.filter(isGood).slice(good)),
      ...(bad === undefined ? [] : finished.filter((one) => !isGood(one)).slice(bad)),
    ];
    for (const { metadata } of surplus) {
      try {
        await client.delete(builds, metadata, { uid: metadata.uid });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  });

const numberOf = ({ metadata }: Build): number =>
  Number(metadata.annotations?.['openshift.io/build.number'] ?? 0);
