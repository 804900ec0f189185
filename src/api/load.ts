import {
  boolYaml11Tag,
  constructFromEvents,
  CORE_SCHEMA,
  mergeTag,
  parseEvents,
  YAMLException,
  type Event,
} from 'js-yaml';
import { apiVersion, edgeBuildKind, group, type EdgeBuild } from './edgebuild.ts';
import { InputError, type InputIssue } from './errors.ts';
import { positionsOf } from './positions.ts';
import { validateEdgeBuild, type Fault } from './validate.ts';
import { pathText, quote } from './words.ts';

/** What a file holds. */
export interface Loaded {
  /** Valid, defaults filled in, in the order of the file. At least one. */
  readonly edgeBuilds: EdgeBuild[];
  /** Objects of other kinds, which nothing was done with. */
  readonly skipped: { readonly kind: string; readonly name: string }[];
}

/** In characters: some three hundred times the largest EdgeBuild. */
const longestText = 10 * 1024 * 1024;
/** Of one document. Each may make the data deeper and much larger, hence also the next two bounds. */
const mostAliases = 50;
/** Of one object once its aliases are written out. */
const mostValues = 1_000_000;
const deepest = 100;
const mostObjects = 1000;
/** Of one file: nobody reads more. */
const mostIssues = 100;

/** As kubectl reads YAML: version 1.2's core, and of 1.1 what people use: yes, no, on and off; merge keys. */
const yaml = CORE_SCHEMA.withTags(boolYaml11Tag, mergeTag);

/** One object of a file. */
interface Entry {
  readonly value: unknown;
  /** The index of its document. */
  readonly document: number;
  /** Where in the document it stands: empty, or `items`, 3 in a List. */
  readonly base: readonly (string | number)[];
}

type Judged =
  | { readonly edgeBuild: EdgeBuild }
  | { readonly skipped: { readonly kind: string; readonly name: string } }
  | { readonly faults: readonly Fault[] };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What a value would be with every alias written out. */
interface Extent {
  readonly values: number;
  readonly depth: number;
}

/** `known` remembers what is shared. Its own recursion is bounded by the parser's depth times the aliases. */
const extentOf = (value: unknown, known: Map<object, Extent>): Extent => {
  if (typeof value !== 'object' || value === null) return { values: 1, depth: 0 };
  const before = known.get(value);
  if (before !== undefined) return before;
  let values = 1;
  let depth = 0;
  for (const part of Object.values(value)) {
    const extent = extentOf(part, known);
    values += extent.values;
    depth = Math.max(depth, extent.depth);
  }
  const extent = { values, depth: depth + 1 };
  known.set(value, extent);
  return extent;
};

interface Parsed {
  readonly events: Event[];
  readonly documents: unknown[];
}

/** @throws InputError with file, line and column. */
const parse = (text: string, file: string): Parsed => {
  if (text.length > longestText)
    throw new InputError([
      { file, path: '', message: `Too long: may not be more than ${longestText} characters` },
    ]);
  try {
    const events = parseEvents(text, {});
    return {
      events,
      documents: constructFromEvents(events, { source: text, schema: yaml, maxAliases: mostAliases }),
    };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const place =
      error.mark === undefined ? {} : { line: error.mark.line + 1, column: error.mark.column + 1 };
    throw new InputError([{ file, ...place, path: '', message: `not readable as YAML: ${error.reason}` }]);
  }
};

/** The objects of a document: a List, such as `kubectl get -o yaml` prints, holds several. */
const entriesOf = (value: unknown, document: number): Entry[] => {
  if (value === null || value === undefined) return [];
  if (!isRecord(value) || value['kind'] !== 'List' || !Array.isArray(value['items']))
    return [{ value, document, base: [] }];
  return value['items'].map((item: unknown, index) => ({ value: item, document, base: ['items', index] }));
};

const judge = (value: unknown): Judged => {
  const { values, depth } = extentOf(value, new Map());
  if (values > mostValues || depth > deepest)
    return {
      faults: [{ path: [], message: `Too many: more than ${mostValues} values, or deeper than ${deepest}` }],
    };
  if (!isRecord(value))
    return { faults: [{ path: [], message: 'not an object: it must have apiVersion and kind' }] };
  const { kind, apiVersion: given, metadata } = value;
  if (kind === edgeBuildKind) return validateEdgeBuild(value);
  if (kind === undefined || kind === null) return { faults: [{ path: ['kind'], message: 'Required value' }] };
  if (wordOf(given).startsWith(`${group}/`) && wordOf(kind).toLowerCase().startsWith('edgebuild'))
    return {
      faults: [{ path: ['kind'], message: `Invalid value: ${quote(kind)}: must be ${edgeBuildKind}` }],
    };
  const name = isRecord(metadata) ? wordOf(metadata['name']) : '';
  return { skipped: { kind: wordOf(kind), name } };
};

const allOf = (issues: readonly InputIssue[], file: string): InputError =>
  new InputError(
    issues.length <= mostIssues
      ? issues
      : [
          ...issues.slice(0, mostIssues),
          { file, path: '', message: `and more: only the first ${mostIssues} problems are shown` },
        ],
  );

const nothingHere = (file: string, skipped: Loaded['skipped']): InputError => {
  const found = skipped.map(({ kind, name }) => `${kind} ${name}`.trim());
  const others = found.length === 0 ? 'it is empty' : `there is only ${found.slice(0, 10).join(', ')}`;
  return new InputError([
    {
      file,
      path: '',
      message: `no object with apiVersion: ${apiVersion} and kind: ${edgeBuildKind} in it: ${others}`,
    },
  ]);
};

/**
 * Reads the EdgeBuilds of a file: YAML or JSON, one document or several.
 *
 * @param file its name, for messages only.
 * @throws InputError with every problem of every object, each with its place; or if there is no EdgeBuild at all.
 */
export const loadEdgeBuilds = (text: string, file: string): Loaded => {
  const { events, documents } = parse(text, file);
  const entries = documents.flatMap(entriesOf);
  if (entries.length > mostObjects)
    throw new InputError([
      { file, path: '', message: `Too many: ${entries.length}: must have at most ${mostObjects} objects` },
    ]);
  const judged = entries.map((entry) => ({ entry, judgement: judge(entry.value) }));
  const issues: InputIssue[] = [];
  for (const { entry, judgement } of judged) {
    if (!('faults' in judgement) || issues.length > mostIssues) continue;
    const placeOf = positionsOf(text, events, entry.document);
    for (const { path, message } of judgement.faults.slice(0, mostIssues + 1))
      issues.push({ file, ...placeOf([...entry.base, ...path]), path: pathText(path), message });
  }
  if (issues.length > 0) throw allOf(issues, file);
  const edgeBuilds = judged.flatMap(({ judgement }) =>
    'edgeBuild' in judgement ? [judgement.edgeBuild] : [],
  );
  const skipped = judged.flatMap(({ judgement }) => ('skipped' in judgement ? [judgement.skipped] : []));
  if (edgeBuilds.length === 0) throw nothingHere(file, skipped);
  return { edgeBuilds, skipped };
};
