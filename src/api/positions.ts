/**
 * Where in the text of a file a field stands. js-yaml's documents are plain data without positions, its events are
 * positions without data; this walks the events once.
 */
import { EVENT_ID, getScalarValue, type Event } from 'js-yaml';

/** Counted from 1; the column in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

type Path = readonly (string | number)[];

const keyOf = (path: Path): string => JSON.stringify(path);

/** An open collection: a sequence counts its items, a mapping alternates between key and value. */
interface Open {
  readonly path: Path;
  readonly mapping: boolean;
  items: number;
  /** In a mapping, the key whose value comes next. */
  key: string | undefined;
}

/** The offset of every field and item of the document with the given index, by its path: of its key where it has one. */
const offsetsOf = (text: string, events: readonly Event[], document: number): ReadonlyMap<string, number> => {
  const offsets = new Map<string, number>();
  const open: Open[] = [];
  let seen = -1;

  /** The path of the node that begins at `start`; undefined for a key. */
  const arrive = (start: number, scalar: string | undefined): Path | undefined => {
    const parent = open.at(-1);
    if (parent === undefined) return [];
    if (parent.mapping && parent.key === undefined) {
      parent.key = scalar ?? '';
      offsets.set(keyOf([...parent.path, parent.key]), start);
      return undefined;
    }
    const part = parent.mapping ? (parent.key ?? '') : parent.items;
    const path = [...parent.path, part];
    parent.items += 1;
    parent.key = undefined;
    if (!offsets.has(keyOf(path))) offsets.set(keyOf(path), start);
    return path;
  };

  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      seen += 1;
      open.length = 0;
      continue;
    }
    if (seen !== document) continue;
    switch (event.type) {
      case EVENT_ID.POP:
        open.pop();
        break;
      case EVENT_ID.ALIAS:
        arrive(event.anchorStart, undefined);
        break;
      case EVENT_ID.SCALAR:
        arrive(Math.max(event.valueStart, 0), getScalarValue(text, event));
        break;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING:
        open.push({
          path: arrive(event.start, undefined) ?? [],
          mapping: event.type === EVENT_ID.MAPPING,
          items: 0,
          key: undefined,
        });
    }
  }
  return offsets;
};

/** The place of an offset in a text. */
const positionAt = (text: string, offset: number): Position => {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: Array.from(before.slice(lineStart)).length + 1 };
};

/**
 * A look-up for the fields of one document of a file. A field that is not there has the place of what should hold it;
 * undefined where not even that is known.
 */
export const positionsOf = (
  text: string,
  events: readonly Event[],
  document: number,
): ((path: Path) => Position | undefined) => {
  const offsets = offsetsOf(text, events, document);
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const offset = offsets.get(keyOf(path.slice(0, length)));
      if (offset !== undefined) return positionAt(text, offset);
    }
    return undefined;
  };
};
