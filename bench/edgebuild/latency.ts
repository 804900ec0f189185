import { edgeBuilds, type StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { startBuildersHand } from '../../test/faults/builders-hand.ts';
import { until } from '../../test/support/until.ts';
import { type Call, callsFrom, countCalls } from '../nodes/calls.ts';
import { median, number, type Row, say } from '../runtime/numbers.ts';
import { author, callsOf, isShadow, openSite, type OpenShiftSite } from './site.ts';

/** One EdgeBuild from its apply to its published image, in milliseconds of the API server's clock. */
interface Life {
  /** From the apply's arrival to the answer to `instantiate`. */
  readonly createdMs: number;
  /** From the answer that the base's import was written with, to the answer to `instantiate`. */
  readonly afterImportMs: number;
  /** From the apply's arrival to the status that says Published. */
  readonly publishedMs: number;
  /** The operator's. */
  readonly calls: readonly Call[];
}

const patience = 120_000;
const isPublished = ({ status }: StoredEdgeBuild): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;

const live = async (site: OpenShiftSite, name: string): Promise<Life> => {
  const namespace = await site.namespace(name);
  // Nobody has imported it yet, and nothing is known of it.
  const { reference } = await site.pushBase(name);
  const read = callsFrom(site.plane.auditLog);
  await site.apply(namespace, 'web', reference);
  const look = (): Promise<StoredEdgeBuild> => site.client.get(edgeBuilds, { namespace, name: 'web' });
  const seen = await until(look, isPublished, patience);
  if (!isPublished(seen)) throw new Error(`not published: ${JSON.stringify(seen.status)}`);
  const calls = read();
  const within = calls.filter((call) => call.namespace === namespace);
  const applied = within.find(({ who, what }) => who.startsWith(author) && what === 'patch edgebuilds');
  const created = within.find((call) => call.what === 'create buildconfigs/instantiate' && call.code === 201);
  const imported = within.find((call) => isShadow(call) && isImport(call));
  const published = within.findLast((call) => call.what === 'patch edgebuilds/status');
  const from = applied?.receivedAt ?? NaN;
  if (process.env['TIMELINE'] !== undefined) tell(within, from);
  return {
    createdMs: (created?.answeredAt ?? NaN) - from,
    afterImportMs: (created?.answeredAt ?? NaN) - (imported?.answeredAt ?? NaN),
    publishedMs: (published?.answeredAt ?? NaN) - from,
    calls: callsOf(calls, 'edgebuild/'),
  };
};

/** Who asked for what, since the apply. */
const tell = (calls: readonly Call[], from: number): void => {
  for (const call of calls) {
    const [began, took] = [call.receivedAt - from, call.answeredAt - call.receivedAt];
    const whose = isShadow(call) ? '(behind) ' : '';
    say(`${began.toFixed(0).padStart(6)} +${took.toFixed(0).padEnd(5)} ${whose}${call.what} ${call.name} ${String(call.code)} ${call.who.slice(0, 30)}`); // prettier-ignore
  }
};

/** What the stand-in writes of an import is of the stream's whole object. */
const isImport = ({ what, name, who }: Call): boolean =>
  what === 'update imagestreams' && name === 'web-bases' && !who.startsWith('edgebuild/');

const inMs = (values: readonly number[]): string =>
  `median ${median(values).toFixed(0)} ms, worst ${Math.max(...values).toFixed(0)} ms of ${String(values.length)}`;

const row = (what: string, values: readonly number[], goalMs: number): Row => ({
  ...{ what, measured: inMs(values), goal: `at most ${String(goalMs / 1000)} s` },
  isMet: Math.max(...values) <= goalMs,
});

/** By verb and resource: medians, of those that a median life has. */
const inWords = (lives: readonly Life[]): string => {
  const counts = lives.map(({ calls }) => new Map(countCalls(calls)));
  const names = [...new Set(counts.flatMap((one) => [...one.keys()]))];
  return names
    .map((name) => ({ name, count: median(counts.map((one) => one.get(name) ?? 0)) }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count)
    .map(({ name, count }) => `${name} ${String(count)}`)
    .join(', ');
};

export const measureLatency = async (): Promise<Row[]> => {
  const site = await openSite();
  const hand = startBuildersHand(site.plane.kubeconfig, site.internalRegistry);
  try {
    const operator = await site.startOperator();
    const lives: Life[] = [];
    try {
      await site.proven();
      // The first warms up: programs are compiled, connections opened.
      for (let round = 0; round <= number('ROUNDS', 10); round += 1) {
        const life = await live(site, `round-${String(round)}`);
        say(`round ${String(round)}: created ${life.createdMs.toFixed(0)} ms, after the import ${life.afterImportMs.toFixed(0)} ms, published ${life.publishedMs.toFixed(0)} ms, ${String(life.calls.length)} calls`); // prettier-ignore
        if (round > 0) lives.push(life);
      }
    } finally {
      await operator.end();
    }
    const counts = lives.map(({ calls }) => calls.length);
    return [
      row('EdgeBuild applied to Build created (node proven)', lives.map(({ createdMs }) => createdMs), 1500),
      row('base image’s import written to Build created', lives.map(({ afterImportMs }) => afterImportMs), 500),
      {
        what: 'API calls of the operator from apply to Published',
        measured: `median ${String(median(counts))}, most ${String(Math.max(...counts))} of ${String(counts.length)}`,
        ...{ goal: 'at most 40', isMet: Math.max(...counts) <= 40 },
      },
      { what: 'of them', measured: inWords(lives), goal: '' },
      {
        what: 'apply to Published, where a build is played and takes no time',
        ...{ measured: inMs(lives.map(({ publishedMs }) => publishedMs)), goal: '' },
      },
    ]; // prettier-ignore
  } finally {
    await hand.end();
    await site.close();
  }
};
