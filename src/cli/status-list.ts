import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import { sanitizeLine } from './sanitize.ts';
import { conditionOf } from './standing.ts';
import { table } from './table.ts';
import type { Paint } from './terminal.ts';
import { age } from './units.ts';

/** Many EdgeBuilds, a line each, by namespace and name. */
export const listLines = (
  objects: readonly StoredEdgeBuild[],
  {
    now,
    paint,
    withNamespace,
  }: { readonly now: number; readonly paint: Paint; readonly withNamespace: boolean },
): readonly string[] => {
  const sorted = objects.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  const [heading = '', ...rows] = table([
    [...(withNamespace ? ['NAMESPACE'] : []), 'NAME', 'READY', 'REASON', 'BUILT', 'IMAGE', 'AGE'],
    ...sorted.map((object) =>
      [...(withNamespace ? [object.metadata.namespace ?? ''] : []), ...cells(object, now)].map(sanitizeLine),
    ),
  ]);
  return [paint('bold', heading), ...rows.map((row, at) => colored(row, sorted[at], paint))];
};

const keyOf = ({ metadata }: StoredEdgeBuild): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const cells = (object: StoredEdgeBuild, now: number): readonly string[] => {
  const { metadata, status } = object;
  const { ready, reason } = readyOf(object);
  const platforms = status?.platforms ?? [];
  const built = platforms.filter(({ state }) => state === 'Succeeded').length;
  const created = metadata.creationTimestamp;
  return [
    metadata.name,
    ready,
    reason,
    platforms.length === 0 ? '-' : `${built}/${platforms.length}`,
    status?.image?.digest.slice(0, 'sha256:'.length + 12) ?? '-',
    created === undefined ? '-' : age((now - Date.parse(created)) / 1000),
  ];
};

/** Of an older generation, nothing is known of this one. */
const readyOf = (object: StoredEdgeBuild): { readonly ready: string; readonly reason: string } => {
  const { metadata, status } = object;
  const ready = conditionOf(object, 'Ready');
  return ready === undefined || status?.observedGeneration !== metadata.generation
    ? { ready: 'Unknown', reason: '-' }
    : { ready: ready.status, reason: ready.reason };
};

const colored = (row: string, object: StoredEdgeBuild | undefined, paint: Paint): string => {
  const { ready } = object === undefined ? { ready: '' } : readyOf(object);
  const color = ready === 'True' ? 'green' : ready === 'False' ? 'red' : 'yellow';
  return row.replace(` ${ready} `, () => ` ${paint(color, ready)} `);
};
