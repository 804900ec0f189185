/** A watcher at work against the fake API server, and what it has said so far. */
import { createClient } from '../../src/kube/client.ts';
import { type Connection, openConnection } from '../../src/kube/connection.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import {
  watchKind,
  type WatcherEvent,
  type WatcherSettings,
  type WatcherTiming,
} from '../../src/kube/watcher.ts';
import type { FakeApiServer, FakeRequest, Script } from '../support/fake-api-server.ts';

export const configMaps: Kind = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};
export const fieldManager = 'edgebuild';

export interface Following {
  readonly events: readonly WatcherEvent<KubeObject>[];
  readonly stop: () => void;
  /** Resolves when the generator has returned. */
  readonly ended: Promise<void>;
  readonly connection: Connection;
}

/** Waits between tries are short; a watch, silence and the next list come only where a test asks for it. */
const timing: Partial<WatcherTiming> = { backoffBaseMs: 1, backoffCapMs: 20, unavailableCapMs: 20 };

export const follow = (
  fake: FakeApiServer,
  more: Partial<WatcherTiming> = {},
  settings: Partial<WatcherSettings> = {},
): Following => {
  const connection = openConnection(fake.kubeConfig);
  const client = createClient({ connection, fieldManager });
  const abort = new AbortController();
  const events: WatcherEvent<KubeObject>[] = [];
  const all = { fieldManager, ...settings, timing: { ...timing, ...more } };
  const run = async (): Promise<void> => {
    for await (const event of watchKind(client, configMaps, all, abort.signal)) events.push(event);
  };
  return { events, stop: () => { abort.abort(); }, ended: run(), connection }; // prettier-ignore
};

export const configMap = (
  name: string,
  resourceVersion: string | undefined,
  more: object = {},
): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap' },
  metadata: {
    ...{ namespace: 'default', name, uid: `uid-of-${name}` },
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...more,
  },
});

/** A whole list, of items as a server sends them: without kind. */
export const listOf = (resourceVersion: string, ...items: readonly object[]): Script =>
  listPage({ resourceVersion }, ...items);

export const listPage =
  (metadata: object, ...items: readonly object[]): Script =>
  (answer) => {
    answer.head(200);
    answer.text(JSON.stringify({ kind: 'ConfigMapList', apiVersion: 'v1', metadata, items }));
    answer.end();
  };

/** A watch that sends these events, and then is as `then` has it; open, without it. */
export const watchOf =
  (events: readonly object[], then: 'open' | 'end' | 'cut' = 'open'): Script =>
  (answer) => {
    answer.head(200);
    answer.line(...events);
    if (then === 'end') answer.end();
    // What was written must be sent first: a broken connection loses what it still had.
    if (then === 'cut') setTimeout(answer.cut, 50);
  };

export const status = (code: number, more: object = {}): object => ({
  ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: `said ${code}`, ...more },
});

export const refusal =
  (
    code: number,
    headers: Readonly<Record<string, string>> = {},
    body = JSON.stringify(status(code)),
  ): Script =>
  (answer) => {
    answer.head(code, headers);
    answer.text(body);
    answer.end();
  };

/** A server that is well: an empty list, and a watch that stays open. */
export const well: Script = (answer, request) => {
  (request.isWatch ? watchOf([]) : listOf('1000'))(answer, request);
};

export const described = ({ isWatch, query }: FakeRequest): string =>
  isWatch ? `watch from ${query.get('resourceVersion') ?? ''}` : 'list';

/** Events in a few words. */
export const wordsOf = (events: readonly WatcherEvent<KubeObject>[]): readonly string[] =>
  events.map((event) => {
    switch (event.type) {
      case 'listed':
        return `listed ${event.objects.map(({ metadata }) => metadata.name).join(' ')} at ${event.resourceVersion}`;
      case 'applied':
      case 'deleted':
        return `${event.type} ${event.object.metadata.name} at ${event.object.metadata.resourceVersion ?? ''}`;
      case 'bookmark':
        return `bookmark ${event.resourceVersion}`;
      case 'interrupted':
        return event.cause;
    }
  });
