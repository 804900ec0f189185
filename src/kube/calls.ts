import { errorOfNoAnswer } from './errors.ts';
import { type Kind, type Name, resourceOf } from './objects.ts';

/** What is asked of the server, before deadlines and retries. */
export interface Call {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** For messages: "list pods". */
  readonly words: string;
  readonly body?: object;
  readonly contentType?: string;
  readonly accept?: string;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
export const acceptFor = (kind: Kind, what: '' | 'List' = ''): { readonly accept?: string } =>
  kind.isMetadataOnly === true
    ? { accept: `application/json;as=PartialObjectMetadata${what};g=meta.k8s.io;v=v1` }
    : {};

export const wordsOf = (verb: string, kind: Kind, name: Partial<Name> | undefined): string => {
  const where = [name?.namespace, name?.name].filter((part) => part !== undefined).join('/');
  return `${verb} ${resourceOf(kind)}${where === '' ? '' : ` ${where}`}`;
};

export const pathOf = (
  kind: Kind,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
  query: Readonly<Record<string, string | undefined>> = {},
  subresource?: string,
): string => {
  const parts = [
    ...(kind.group === '' ? ['api', kind.version] : ['apis', kind.group, kind.version]),
    ...(kind.namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
    kind.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const search = new URLSearchParams(given).toString();
  return `/${parts.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
};

export const parse = (words: string, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw errorOfNoAnswer(words, 'BrokenAnswer', 'the answer is not JSON, or was cut off', error);
  }
};

/**
 * One signal out of several and a deadline. Made by hand, not by AbortSignal.any and AbortSignal.timeout: they leave
 * something behind on long-lived signals, and there is one of these for every call.
 */
export const endingOf = (
  words: string,
  signals: readonly (AbortSignal | undefined)[],
  deadlineMs: number | undefined,
): { readonly signal: AbortSignal; over(): void; abort(): void } => {
  const controller = new AbortController();
  const given = signals.filter((signal) => signal !== undefined);
  const onAbort = ({ target }: Event): void => {
    controller.abort((target as AbortSignal).reason);
  };
  for (const signal of given) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', onAbort, { once: true });
  }
  const timer =
    deadlineMs === undefined
      ? undefined
      : setTimeout(() => {
          const text = `no whole answer within ${String(deadlineMs / 1000)} s`;
          controller.abort(errorOfNoAnswer(words, 'DeadlineExceeded', text));
        }, deadlineMs);
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort();
    },
    over: () => {
      clearTimeout(timer);
      for (const signal of given) signal.removeEventListener('abort', onAbort);
    },
  };
};
