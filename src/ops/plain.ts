import { types } from 'node:util';
import { isSecretHeader, isSecretName, redacted, redactText } from './redact.ts';

/** What JSON can hold. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** In characters: a stack fits, a file does not. */
const longestText = 16_384;
/** Kubernetes objects are some ten levels deep. */
const deepest = 16;
const longestList = 100;
/** Of one value, all levels together: a line stays below a few megabytes whatever somebody logs. */
const mostValues = 2_000;

/**
 * Any value as plain data, without the secrets in it.
 *
 * Guarantees: it never throws, whatever the value does (getters, toJSON, proxies); the result holds no cycle and goes
 * through JSON.stringify; errors become `{name, message, stack, code, cause, errors, …}`, with what else they carry; it
 * changes nothing of the value.
 */
export const plainOf = (value: unknown): Plain => {
  let left = mostValues;
  const ancestors = new Set<object>();

  const visit = (value: unknown): Plain | undefined => {
    switch (typeof value) {
      case 'string':
        return plainText(value);
      case 'number':
        return Number.isFinite(value) ? value : String(value);
      case 'boolean':
        return value;
      case 'undefined':
        return undefined;
      case 'bigint':
        return String(value);
      case 'symbol':
        return plainText(String(value));
      case 'function':
        return '[function]';
      case 'object':
        return value === null ? null : visitObject(value);
    }
  };

  const visitObject = (value: object): Plain => {
    if (ancestors.has(value)) return '[circular]';
    if (ancestors.size >= deepest || left <= 0) return '[more]';
    left -= 1;
    ancestors.add(value);
    try {
      return contentOf(value);
    } catch {
      return '[unreadable]';
    } finally {
      ancestors.delete(value);
    }
  };

  const contentOf = (value: object): Plain => {
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return visitList(value);
    if (isError(value)) return visitEntries(errorEntries(value));
    if (types.isMap(value)) return visitEntries([...value].map(([key, item]) => [keyOf(key), item]));
    if (types.isSet(value)) return visitList([...value]);
    const instead = replacementOf(value);
    if (instead !== value) return visit(instead) ?? null;
    return visitEntries(withoutSecretData(value, ownEntries(value)));
  };

  const visitList = (list: readonly unknown[]): Plain => {
    const items = list.slice(0, longestList).map((item, index) => {
      const before = index === 0 ? undefined : list[index - 1];
      return typeof before === 'string' && isSecretHeader(before) ? redacted : (visit(item) ?? null);
    });
    return list.length > longestList ? [...items, `[${list.length - longestList} more]`] : items;
  };

  const visitEntries = (entries: readonly Entry[]): Plain =>
    Object.fromEntries(
      entries.flatMap(([key, item]) => {
        if ((left -= 1) < 0) return [];
        const plain = isSecretName(key) && isTelling(item) ? redacted : visit(item);
        return plain === undefined ? [] : [[plainText(key), plain]];
      }),
    );

  return visit(value) ?? null;
};

type Entry = readonly [key: string, value: unknown];

/** Text that is too long is cut in the first white space before the limit, so that no half of a secret stays behind. */
const plainText = (text: string): string => {
  if (text.length <= longestText) return redactText(text);
  const space = text.slice(longestText - 1024, longestText).search(/\s\S*$/);
  const end = longestText - 1024 + Math.max(space, 0);
  return `${redactText(text.slice(0, end))} [${text.length - end} more characters]`;
};

/** A secret's name with nothing, yes or no tells no secret: `automountServiceAccountToken: false`. */
const isTelling = (value: unknown): boolean =>
  value !== undefined && value !== null && typeof value !== 'boolean' && value !== '';

const keyOf = (key: unknown): string => (typeof key === 'string' ? key : JSON.stringify(plainOf(key)));

/** What cannot be read says so, and hides nothing beside it. */
const read = (value: object, key: string): unknown => {
  try {
    return (value as Readonly<Record<string, unknown>>)[key];
  } catch {
    return '[unreadable]';
  }
};

const ownEntries = (value: object): Entry[] => Object.keys(value).map((key) => [key, read(value, key)]);

/** By its looks: errors of Node's core are of another realm under Jest, and DOMExceptions are no native errors. */
const isError = (value: object): boolean => 'stack' in value && 'message' in value && 'name' in value;

/** The parts that are not enumerable, and those that the error was given. */
const errorEntries = (error: object): Entry[] => {
  const told = ['name', 'message', 'stack', 'code', 'cause', 'errors'];
  return [
    ...told.map((key): Entry => [key, read(error, key)]),
    ...ownEntries(error).filter(([key]) => !told.includes(key)),
  ];
};

/** What a value wants to be written as: dates and URLs are text. */
const replacementOf = (value: object): unknown => {
  const toJSON = read(value, 'toJSON');
  return typeof toJSON === 'function' ? (toJSON as () => unknown).call(value) : value;
};

/**
 * Of a Secret the values of `data`, and of an environment variable with a secret's name the `value`. The items of a
 * SecretList have no kind, but a type.
 */
const withoutSecretData = (value: object, entries: readonly Entry[]): readonly Entry[] => {
  const isSecret = read(value, 'kind') === 'Secret' || typeof read(value, 'type') === 'string';
  const name = read(value, 'name') ?? read(value, 'key');
  const isVariable = typeof name === 'string' && isSecretName(name);
  return entries.map(([key, item]) =>
    (isSecret && key === 'data') || (isVariable && key === 'value')
      ? [key, isTelling(item) ? redacted : item]
      : [key, item],
  );
};
