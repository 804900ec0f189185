import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** One answered request, as the API server's audit log has it. */
export interface Answered {
  readonly verb: string;
  readonly userAgent: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string | undefined;
  readonly code: number;
  /** Milliseconds since 1970, with three digits behind the point: all stamps are of one clock. */
  readonly receivedAt: number;
  readonly answeredAt: number;
}

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly objectRef?: {
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
const millisecondsOf = (stamp: string): number => {
  const digits = /\.(\d{6})Z$/.exec(stamp)?.[1] ?? '000000';
  return Date.parse(`${stamp.slice(0, 19)}Z`) + Number(digits) / 1000;
};

const answeredOf = (line: string): Answered => {
  const event = JSON.parse(line) as AuditEvent;
  const { namespace = '', resource = '', name = '', subresource } = event.objectRef ?? {};
  return {
    ...{ verb: event.verb, userAgent: event.userAgent ?? '', namespace, resource, name, subresource },
    code: event.responseStatus?.code ?? 0,
    receivedAt: millisecondsOf(event.requestReceivedTimestamp),
    answeredAt: millisecondsOf(event.stageTimestamp),
  };
};

/** Reads what is written to the log from now on: each call returns all of it that concerns the namespace. */
export const auditFrom = (path: string, namespace: string): (() => readonly Answered[]) => {
  const descriptor = openSync(path, 'r');
  const begin = fstatSync(descriptor).size;
  closeSync(descriptor);
  return () => {
    const file = openSync(path, 'r');
    const text = Buffer.alloc(fstatSync(file).size - begin);
    const length = readSync(file, text, 0, text.length, begin);
    closeSync(file);
    const lines = text.toString('utf8', 0, length).split('\n');
    // What stands behind the last line feed is not whole yet.
    return lines
      .slice(0, -1)
      .filter((line) => line.includes(`"namespace":"${namespace}"`))
      .map(answeredOf);
  };
};

export const isWrite = ({ verb }: Answered): boolean => !['get', 'list', 'watch'].includes(verb);

export const countVerbs = (all: readonly Answered[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { verb } of all) counts[verb] = (counts[verb] ?? 0) + 1;
  return counts;
};
