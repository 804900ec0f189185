import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { conditionTypes } from '../../src/api/conditions.ts';
import { emulatedNames } from '../../src/api/architecture-names.ts';
import { type PlatformName, platformNames } from '../../src/api/platforms.ts';
import { statusSchema } from '../../src/api/status.ts';
import { admitted, plainWords, spec as specShape, specsOf, uris } from '../support/edgebuilds.ts';
import {
  type Cluster,
  clusterOf,
  edgeBuild,
  edited,
  node,
  planned,
  proving,
  restarted,
  statusAfter,
} from './cluster.ts';
import { cleared, failed, imported, rebased, rested, settled, succeeded, underWay } from './progress.ts';
import { acted, ended, instantiated } from './written.ts';

const dockerfiles = fc.constantFrom(
  ...['FROM debian:12\n', 'FROM scratch\nCOPY x /\n', 'FROM debian:12 AS a\nFROM a\nRUN x\n'],
  ...['FROM --platform=$BUILDPLATFORM golang:1 AS b\nFROM debian:12\nCOPY --from=b /x /\n'],
  ...['ARG V=12\nFROM debian:$V\nCOPY --from=busybox:1 /x /\n', `FROM debian@sha256:${'0'.repeat(64)}\n`],
);
const sources = fc.oneof(
  dockerfiles.map((dockerfile) => ({ dockerfile })),
  uris.map((uri) => ({ git: { uri } })),
);
/** Built somewhere: nothing asks for the impossible. */
const possible = specsOf(sources).map((spec) => ({
  ...spec,
  execution: 'PreferNative' as const,
  suspend: false,
  ...(spec.baseImages && {
    baseImages: spec.baseImages.map((base) => ({ ...base, pullSecretRef: { name: 'hub' } })),
  }),
}));

type Move = (cluster: Cluster) => Cluster;
const onABuild =
  (does: (cluster: Cluster, name: string) => Cluster): Move =>
  (cluster) =>
    underWay(cluster).slice(0, 1).reduce(does, cluster);
/** What OpenShift may do next, and what befalls the operator. */
const happens = fc.constantFrom<Move>(
  ...[imported, restarted, settled, onABuild((one, name) => succeeded(one, name))],
  onABuild((one, name) => succeeded(one, name, { saysDigest: false })),
  onABuild((one, name) => failed(one, name, 'DockerBuildFailed', 'exit status 1')),
  onABuild((one, name) => failed(one, name, 'BuildPodDeleted')),
  onABuild((one, name) => ended(one, name, { phase: 'Running' })),
  (cluster) => rebased(cluster, 'new'),
  (cluster) => cleared(cluster, cluster.builds[0]?.metadata.name ?? ''),
  (cluster) => ({ ...cluster, nodes: [node('worker-1')] }),
  (cluster) => ({ ...cluster, nodes: [proving('worker-1', ...emulatedNames)] }),
);
const edits = possible.map(
  (spec): Move =>
    (cluster) =>
      edited(cluster, spec),
);
const someEdits = fc.tuple(edits, edits).chain(([one, other]) => fc.constantFrom(one, other));
/** What a person may do. */
const acts = fc.oneof(
  someEdits,
  fc.constantFrom<Move>(
    onABuild((one, name) => ended(one, name, { phase: 'Cancelled' })),
    (cluster) =>
      cluster.buildConfigs
        .slice(0, 1)
        .reduce((one, { metadata }) => instantiated(one, metadata.name), cluster),
  ),
);
const moves = fc.oneof({ weight: 3, arbitrary: happens }, { weight: 2, arbitrary: acts });

describe('whatever the spec, and whatever happens', () => {
  test('it comes to rest, and then a look at it changes nothing', () => {
    fc.assert(
      fc.property(possible, fc.array(moves, { maxLength: 8 }), (spec, all) => {
        let cluster = rested(clusterOf(edgeBuild(spec)));
        for (const move of all) cluster = rested(move(cluster));
        const rest = settled({ ...cluster, nodes: [proving('worker-1', ...emulatedNames)] });
        expect(acted(rest, planned(rest))).toEqual(rest);
        expect(planned(rest)).toMatchObject({
          starts: [],
          cancels: [],
          unread: [],
          outputStream: undefined,
          index: undefined,
        });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test('no two builds under way are for the same thing, unless a person starts one', () => {
    const inputsOf = ({ metadata: { labels = {} } }: Cluster['builds'][number]): string =>
      `${labels['edgebuild.io/platform'] ?? ''} ${labels['edgebuild.io/inputs'] ?? ''}`;
    fc.assert(
      fc.property(possible, fc.array(fc.oneof(happens, someEdits), { maxLength: 8 }), (spec, all) => {
        let cluster = rested(clusterOf(edgeBuild(spec)));
        for (const move of all) {
          cluster = rested(move(cluster));
          const active = cluster.builds.filter(({ metadata }) => underWay(cluster).includes(metadata.name));
          expect(new Set(active.map(inputsOf)).size).toBe(active.length);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test('at rest it is Ready of this very generation, published, and built once for each platform', () => {
    fc.assert(
      fc.property(possible, (spec) => {
        const object = edgeBuild({ ...spec, triggers: { ...spec.triggers, onSpecChange: true } });
        const rest = settled(clusterOf(object));
        const { conditions = [], image, observedGeneration } = rest.object.status ?? {};
        const ready = conditions.find(({ type }) => type === 'Ready');
        expect(ready).toMatchObject({ status: 'True', observedGeneration: 1 });
        expect([observedGeneration, image === undefined]).toEqual([1, false]);
        expect(rest.builds).toHaveLength(
          (object.spec as { platforms: readonly PlatformName[] }).platforms.length,
        );
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test('it is never Ready on what was built for an earlier generation', () => {
    fc.assert(
      fc.property(possible, possible, fc.array(happens, { maxLength: 3 }), (first, second, all) => {
        let cluster = edited(settled(clusterOf(edgeBuild(first))), second);
        for (const move of [(one: Cluster) => one, ...all]) {
          cluster = move(cluster);
          const plan = planned(cluster);
          const { conditions = [], image, platforms = [] } = statusAfter(cluster, plan);
          const ready = conditions.find(({ type }) => type === 'Ready');
          expect(ready?.observedGeneration).toBe(cluster.object.metadata.generation);
          if (ready?.status !== 'True') continue;
          // Each has an image of what is asked for now, though a newer base may just have come, and not be looked at yet.
          const wanted = plan.children?.buildConfigs.map(
            ({ metadata }) => metadata.labels?.['edgebuild.io/inputs'],
          );
          const ofSpec = (all: readonly (string | undefined)[] = []) =>
            all.map((inputs) => inputs?.split('-')[0]).toSorted();
          expect(ofSpec(platforms.map(({ inputs }) => inputs))).toEqual(ofSpec(wanted));
          expect(image).toBeDefined();
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});

describe('of 2,000 EdgeBuilds that the definition admits', () => {
  const names = fc.oneof(
    plainWords,
    fc.constantFrom(
      '7up',
      'web.example.com',
      'a'.repeat(200),
      `a.${'b'.repeat(60)}.${'c'.repeat(120)}`,
      'x--y',
    ),
  );
  const scraps = fc
    .array(
      fc.constantFrom(
        ...[
          'FROM ',
          'scratch',
          'debian:12',
          ' AS a',
          '\n',
          'RUN x\n',
          'COPY --from=a / /\n',
          '$X',
          'ARG X\n',
          '\\\n',
          '<<EOF\n',
          '# escape=`\n',
          '--platform=linux/s390x ',
          'ONBUILD ',
          '@sha256:',
          '"',
          "'",
          'Ä',
          '\t',
        ],
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((parts) => parts.join(''));
  const wild = fc.tuple(
    admitted(specShape, fc.oneof(plainWords, fc.string({ minLength: 1, maxLength: 30 }))),
    specsOf(
      fc.oneof(
        sources,
        scraps.map((dockerfile) => ({ dockerfile })),
      ),
    ),
  );
  const objects = fc
    .tuple(
      names,
      wild.map(([any, good]) => [any, good, { ...good, baseImages: (any as typeof good).baseImages }]),
      fc.nat(2),
    )
    .map(([name, specs, which]) => ({
      ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild' },
      metadata: { name, namespace: 'team-1', uid: 'u', generation: 1 },
      spec: specs[which] as object,
    }));

  test('each ends in a plan or in a reason why not, and in a status that its schema admits', () => {
    const ends = { refused: 0, planned: 0 };
    fc.assert(
      fc.property(objects, (object) => {
        const plan = planned(clusterOf(object));
        const status = statusAfter(clusterOf(object), plan);
        expect(statusSchema.safeParse(status).error).toBeUndefined();
        expect((status.conditions ?? []).length).toBeGreaterThanOrEqual(
          Object.keys(conditionTypes).length - 1,
        );
        for (const { message } of status.conditions ?? []) expect(message).not.toBe('');
        if (plan.facts.refusal !== undefined || plan.facts.blocker !== undefined) {
          ends.refused += 1;
          expect(plan.children).toBeUndefined();
          expect(status.conditions?.find(({ type }) => type === 'Stalled')?.status).toBe('True');
          return;
        }
        ends.planned += 1;
        for (const child of [
          plan.outputStream,
          plan.children?.baseStream,
          ...(plan.children?.buildConfigs ?? []),
        ]) {
          if (child === undefined) continue;
          expect(child.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9_.]*[a-z0-9])?$/);
        }
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(ends.refused, ends.planned)).toBeGreaterThan(200);
  }, 180_000);

  test('is one for each platform that there is', () => {
    const rest = settled(clusterOf(edgeBuild({ platforms: platformNames }, { name: 'a'.repeat(253) })));
    expect(new Set(rest.builds.map(({ metadata }) => metadata.name)).size).toBe(platformNames.length);
  });
});
