import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** One answered request, as the API server's audit log has it. */
export interface Call {
  readonly who: string;
  /** "patch nodes", "patch nodeemulations/status" */
  readonly what: string;
  /** Of the API; empty for the core's. */
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
  /** Milliseconds since 1970, with digits behind the point: all stamps are of one clock. */
  readonly receivedAt: number;
  readonly answeredAt: number;
}

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly namespace?: string;
    readonly resource?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** Date.parse knows milliseconds; the log has six digits. */
const millisecondsOf = (stamp: string): number =>
  Date.parse(`${stamp.slice(0, 19)}Z`) + Number(/\.(\d{6})Z$/.exec(stamp)?.[1] ?? 0) / 1000;

const callOf = (line: string): Call => {
  const event = JSON.parse(line) as AuditEvent;
  const {
    apiGroup: group = '',
    namespace = '',
    resource = '',
    subresource,
    name = '',
  } = event.objectRef ?? {};
  return {
    who: event.userAgent ?? '',
    what: [event.verb, subresource === undefined ? resource : `${resource}/${subresource}`].join(' '),
    ...{ group, namespace, name, code: event.responseStatus?.code ?? 0 },
    receivedAt: millisecondsOf(event.requestReceivedTimestamp),
    answeredAt: millisecondsOf(event.stageTimestamp),
  };
};

/** Each call returns all that was written to the log since now. */
export const callsFrom = (path: string): (() => readonly Call[]) => {
  const size = (): number => statSync(path).size;
  let position = size();
  const calls: Call[] = [];
  return () => {
    const text = Buffer.alloc(size() - position);
    const file = openSync(path, 'r');
    const length = readSync(file, text, 0, text.length, position);
    closeSync(file);
    // What stands behind the last line feed is not whole yet.
    const end = text.subarray(0, length).lastIndexOf(10) + 1;
    position += end;
    for (const line of text.toString('utf8', 0, end).split('\n')) if (line !== '') calls.push(callOf(line));
    return [...calls];
  };
};

/** "patch nodes": 100, most first. Watches that were begun before are not among them until they end. */
export const countCalls = (calls: readonly Call[]): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const { what, code } of calls) {
    const words = code >= 400 ? `${what} (${String(code)})` : what;
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one);
};
