import { dump } from 'js-yaml';

/** JSON for programs. C1 control characters are escaped too: JSON allows them bare, and some terminals obey them. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replaceAll(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** What `kubectl get -o json` makes of several objects. */
export const listOf = (objects: readonly unknown[]): object => ({
  apiVersion: 'v1',
  kind: 'List',
  items: objects,
});

export const objectText = (object: unknown, format: 'json' | 'yaml'): string =>
  format === 'json' ? jsonText(object) : dump(object, { noRefs: true });
