import { baseStream } from '../engines/openshift/desired/base-stream.ts';
import { deployment, route, service } from '../engines/openshift/desired/deployment.ts';
import type { OpenShiftObject } from '../engines/openshift/types.ts';
import { blockedFacts } from './blocked.ts';
import { deployedFinding } from './deployment.ts';
import type { Facts } from './facts.ts';
import { basesFinding, emulationFinding, factsOf } from './findings.ts';
import type { Observed } from './observe.ts';
import { type IndexWanted, publicationOf, publishedImage, wantedOutput } from './output.ts';
import type { Unread } from './images.ts';
import type { Start } from './platform-context.ts';
import { planPlatform, type PlatformPlan } from './platform-plan.ts';
import { type PublishedRun, runOf } from './running.ts';

/** What is made for an EdgeBuild and goes with it, by kind. */
export interface Children {
  readonly baseStream: OpenShiftObject | undefined;
  readonly buildConfigs: readonly OpenShiftObject[];
  readonly deployment: OpenShiftObject | undefined;
  readonly service: OpenShiftObject | undefined;
  readonly route: OpenShiftObject | undefined;
}

/** What is to be done for an EdgeBuild, and what is known of it. */
export interface Plan {
  /** Images to be read; then it is planned anew. */
  readonly unread: readonly Unread[];
  /** Undefined: nothing of it is touched. */
  readonly children: Children | undefined;
  /** What runs stays as it is: what is to run next is not known yet. */
  readonly keepsRunning: boolean;
  /** Undefined: it is as it should be. */
  readonly outputStream: OpenShiftObject | undefined;
  readonly index: IndexWanted | undefined;
  readonly starts: readonly Start[];
  readonly cancels: readonly string[];
  /** Tags of the base stream whose import failed: asked for again once in a while. */
  readonly reimports: readonly string[];
  readonly facts: Facts;
  readonly againMs: number | undefined;
}

/**
 * From what is observed to what is to be done: pure, and after it is done it asks for nothing more.
 *
 * @param now RFC 3339.
 */
export const planOf = (observed: Observed, now: string): Plan => {
  const blocked = blockedFacts(observed);
  if (blocked !== undefined) return { ...nothing, facts: blocked };

  const platforms = observed.platforms.map((one) => planPlatform(observed, one, now));
  const unread = platforms.flatMap((one) => one.unread);
  const facts = platforms.map((one) => one.facts);
  const publication = publicationOf(observed, facts);
  const published = publishedImage(observed, publication.digest, now);
  const running = runOf(observed, platforms, publication.digest);
  const { deploy } = observed.spec;
  const again = platforms.flatMap(({ againMs }) => againMs ?? []);
  return {
    unread: [...unread, ...publication.unread],
    children: childrenOf(observed, platforms, running),
    keepsRunning: deploy !== undefined && running === undefined,
    outputStream: wantedOutput(observed, publication),
    index: publication.index,
    starts: platforms.flatMap(({ start }) => start ?? []),
    cancels: platforms.flatMap(({ cancel }) => cancel),
    reimports: reimportsOf(observed, platforms),
    facts: factsOf(observed, facts, {
      ...(published === undefined ? { isPublishing: publication.isWanted } : { published }),
      emulation: emulationFinding(platforms),
      bases: basesFinding(observed, platforms),
      ...(deploy && {
        deployed: deployedFinding(
          observed.deployment,
          { image: running?.image, replicas: deploy.replicas },
          observed.status?.image?.reference,
        ),
      }),
    }),
    againMs: again.length > 0 ? Math.min(...again) : undefined,
  };
};

const nothing = {
  ...{ unread: [], children: undefined, outputStream: undefined, index: undefined, starts: [], cancels: [] },
  ...{ reimports: [], againMs: undefined, keepsRunning: true },
} as const;

const childrenOf = (
  { name, spec, platforms: observed }: Observed,
  platforms: readonly PlatformPlan[],
  running: PublishedRun | undefined,
): Children => {
  const bases = observed.flatMap((one) => one.bases.bases);
  const distinct = [...new Map(bases.map((base) => [base.tag, base])).values()];
  const { deploy } = spec;
  const port = deploy?.port;
  return {
    baseStream: distinct.length === 0 ? undefined : baseStream(name, distinct, spec),
    buildConfigs: platforms.flatMap(({ buildConfig }) => buildConfig ?? []),
    deployment:
      deploy === undefined || running === undefined
        ? undefined
        : deployment({ ...running, name, spec, deploy }),
    service: port === undefined || running === undefined ? undefined : service(name, port),
    route:
      port === undefined || running === undefined || deploy?.expose !== true ? undefined : route(name, port),
  };
};

const reimportsOf = (observed: Observed, platforms: readonly PlatformPlan[]): readonly string[] =>
  observed.platforms.flatMap(({ bases }, at) =>
    bases.bases.filter((_, index) => platforms[at]?.imports[index]?.state === 'Failed').map(({ tag }) => tag),
  );
