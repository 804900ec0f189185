import { setTimeout as pause } from 'node:timers/promises';
import { isNotFound } from '../../src/kube/errors.ts';
import { keyOf, type Key } from '../../src/kube/objects.ts';
import type { Build } from '../../src/engines/openshift/types.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { createStore } from '../../src/kube/store.ts';
import { builds } from '../openshift/groups.ts';
import { pushImages } from '../openshift/pushing.ts';
import { imageOf } from '../openshift/word-images.ts';
import { clientBy } from './gadgets.ts';

/** What becomes of a build. */
export type Ending =
  | {
      readonly phase: 'Complete';
      /** What the image says that it is; the platform's without it. */
      readonly architecture?: string;
      /** Real ones leave it out sometimes. */
      readonly saysDigest?: boolean;
    }
  | { readonly phase: 'Failed' | 'Error'; readonly reason: string; readonly logSnippet?: string }
  /** Nothing, for now. */
  | { readonly phase: 'Running' }
  | { readonly phase: 'New' };

type PlayedBuild = KubeObject & Build;

/**
 * Where no build runs, somebody must end them: this hand writes what OpenShift's build controller would to the status of
 * each Build, and pushes a small image where its own would go: the same for the same inputs.
 */
export interface BuildersHand {
  /** Of builds in a namespace from now on; `Complete` without it. Those that it held go on. */
  readonly plays: (namespace: string, ending: Ending) => void;
  readonly end: () => Promise<void>;
}

const hurriedMs = 100;
const isOver = ({ status }: PlayedBuild): boolean =>
  ['Complete', 'Failed', 'Error', 'Cancelled'].includes(status?.phase ?? 'New');
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

/** @param registry host:port of the internal registry. */
export const startBuildersHand = (kubeconfig: string, registry: string): BuildersHand => {
  const { client, close } = clientBy(kubeconfig);
  const endings = new Map<string, Ending>();
  const store = createStore<PlayedBuild>(client, builds, { fieldManager: 'builders-hand' });
  const stop = new AbortController();
  const busy = new Map<Key, Promise<void>>();

  const endingOf = ({ metadata, status }: PlayedBuild): Ending | 'Cancelled' =>
    status?.cancelled === true
      ? 'Cancelled'
      : (endings.get(metadata.namespace ?? '') ?? { phase: 'Complete' });

  const write = async (build: PlayedBuild, status: object): Promise<void> => {
    const { name, namespace = '' } = build.metadata;
    store.learn(
      await client.mergePatch<PlayedBuild>(builds, { metadata: { name, namespace }, status } as never),
    );
  };

  const push = async ({ metadata, spec }: PlayedBuild, architecture: string): Promise<string> => {
    const [stream = '', tag = ''] = (spec.output?.to?.name ?? '').split(':');
    const inputs = metadata.labels?.['edgebuild.io/inputs'] ?? 'none';
    const to = { host: registry, repository: `${metadata.namespace ?? ''}/${stream}`, tag };
    return (await pushImages(to, [imageOf(architecture, inputs)])).digest;
  };

  const play = async (build: PlayedBuild): Promise<void> => {
    const ending = endingOf(build);
    if (ending === 'Cancelled') {
      await write(build, { phase: 'Cancelled', reason: 'CancelledBuild', completionTimestamp: now() });
      return;
    }
    if (ending.phase === 'New') return;
    if (build.status?.phase === 'New') await write(build, { phase: 'Running', startTimestamp: now() });
    if (ending.phase === 'Running') return;
    const over = { completionTimestamp: now(), duration: 1_000_000_000 };
    if ('reason' in ending) {
      await write(build, { ...over, ...ending, message: 'played' });
      return;
    }
    const { architecture = build.metadata.labels?.['edgebuild.io/platform'] ?? '', saysDigest = true } =
      ending;
    const imageDigest = await push(build, architecture);
    const output = saysDigest ? { output: { to: { imageDigest } } } : {};
    await write(build, { ...over, ...output, phase: 'Complete' });
  };

  const visit = (key: Key): void => {
    if (busy.has(key)) return;
    busy.set(
      key,
      untilOver(key).finally(() => busy.delete(key)),
    );
  };

  /** An API server or a registry that is away for a moment is asked again. */
  const untilOver = async (key: Key): Promise<void> => {
    while (!stop.signal.aborted) {
      const build = store.get(key);
      if (build === undefined || isOver(build)) return;
      const ending = endingOf(build);
      const isPlayed = ending !== 'Cancelled' && ending.phase === (build.status?.phase ?? 'New');
      try {
        if (!isPlayed) await play(build);
      } catch (error) {
        if (isNotFound(error)) return;
      }
      await pause(hurriedMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };

  store.onChange((change) => {
    if (change.type === 'added' || change.type === 'updated') visit(keyOf(change.object.metadata));
  });
  const following = store.run(stop.signal);
  return {
    plays: (namespace, ending) => {
      endings.set(namespace, ending);
    },
    end: async () => {
      stop.abort();
      await Promise.all([...busy.values()]);
      await close();
      await following;
    },
  };
};
