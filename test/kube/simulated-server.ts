/** A server in memory, as a Client sees it: resourceVersions grow, and a watch says what a test lets through. */
import type { Client, WatchLine } from '../../src/kube/client.ts';
import { keyOf, type KubeObject } from '../../src/kube/objects.ts';
import { received } from '../../src/kube/received.ts';
import { fieldManager, status } from './following.ts';

export interface SimulatedServer {
  readonly client: Client;
  /** Each returns what the server answers to it. */
  readonly write: (name: string, more?: object) => KubeObject;
  readonly remove: (name: string) => void;
  readonly state: () => readonly KubeObject[];
  /** So many more events may pass. */
  readonly allow: (count: number) => void;
  /** The watch ends with 410: a list follows. */
  readonly forget: () => void;
  /** From now on the server is as it was at that resourceVersion: restored from a backup. */
  readonly restore: (objects: readonly KubeObject[], version: number) => void;
  readonly version: () => number;
}

export const simulateServer = (): SimulatedServer => {
  const objects = new Map<string, KubeObject>();
  let log: { readonly version: number; readonly line: WatchLine }[] = [];
  let version = 1;
  let uids = 0;
  let allowed = 0;
  let isForgotten = false;
  let wake = Promise.withResolvers<undefined>();

  const news = (): void => {
    wake.resolve(undefined);
    wake = Promise.withResolvers();
  };
  const tell = (type: string, object: KubeObject): void => {
    log.push({ version, line: { type, object } });
    news();
  };
  const metadataOf = (name: string): KubeObject['metadata'] => ({
    ...{ namespace: 'default', name, uid: `uid-${(uids += 1)}` },
  });

  const list = async function* () {
    isForgotten = false;
    await Promise.resolve();
    yield { items: [...objects.values()], resourceVersion: String(version) };
  };

  const watch: Client['watch'] = async function* (_kind, { resourceVersion, signal }) {
    let from = Number(resourceVersion);
    const aborted = Promise.withResolvers<undefined>();
    signal?.addEventListener('abort', () => { aborted.resolve(undefined); }); // prettier-ignore
    while (signal?.aborted !== true) {
      const next = log.find((entry) => entry.version > from);
      if (isForgotten) yield { type: 'ERROR', object: status(410) };
      else if (next !== undefined && allowed > 0) {
        allowed -= 1;
        from = next.version;
        yield next.line;
      } else await Promise.race([wake.promise, aborted.promise]);
    }
  };

  return {
    client: { list, watch } as unknown as Client,
    write: (name, more = {}) => {
      version += 1;
      const known = objects.get(name);
      const metadata = {
        ...(known?.metadata ?? metadataOf(name)),
        resourceVersion: String(version),
        ...more,
      };
      const object = received({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, fieldManager);
      objects.set(name, object);
      tell(known === undefined ? 'ADDED' : 'MODIFIED', object);
      return object;
    },
    remove: (name) => {
      const known = objects.get(name);
      if (known === undefined) return;
      version += 1;
      objects.delete(name);
      tell('DELETED', { ...known, metadata: { ...known.metadata, resourceVersion: String(version) } });
    },
    state: () => [...objects.values()],
    allow: (count) => {
      allowed += count;
      news();
    },
    forget: () => {
      isForgotten = true;
      news();
    },
    restore: (then, at) => {
      objects.clear();
      for (const object of then) objects.set(object.metadata.name, object);
      version = at;
      log = [];
      isForgotten = true;
      news();
    },
    version: () => version,
  };
};

export const identity = ({ metadata }: KubeObject): string =>
  `${keyOf(metadata)} ${metadata.uid ?? ''} ${metadata.resourceVersion ?? ''}`;
