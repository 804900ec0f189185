/** One EdgeBuild on a cluster, and what was made for it. */
import type { Condition } from '../../src/api/conditions.ts';
import type { PlatformStatus } from '../../src/api/edgebuild.ts';
import { type Key, type Kind, type KubeObject } from '../../src/kube/objects.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import * as kinds from '../../src/edgebuild/kinds.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { numberOf } from '../../src/engines/openshift/build-state.ts';
import type { Build, BuildConfig, ImageStream } from '../../src/engines/openshift/types.ts';
import { kubectl } from '../manifests/installation.ts';
import { applyAll, client, eventually } from './whole-site.ts';

type Stored<T> = KubeObject & T;

export interface Subject {
  readonly namespace: string;
  readonly name: string;
  readonly object: (spec: object) => object;
  /** As a person does. Returns what kubectl says. */
  readonly apply: (spec: object) => Promise<string>;
  readonly read: () => Promise<StoredEdgeBuild>;
  /** Waits until the status is of the latest spec and `found`; returns the object as it was last seen. */
  readonly until: (found: (standing: Standing) => boolean) => Promise<Standing>;
  /** Waits until it is Ready, and fails with what stands in the way. */
  readonly ready: () => Promise<Standing>;
  /** Waits until a person must act, and fails with what it is instead. */
  readonly stalled: (reason: string) => Promise<Standing>;
  /** The oldest first. */
  readonly builds: () => Promise<readonly Stored<Build>[]>;
  readonly buildConfigs: () => Promise<readonly Stored<BuildConfig>[]>;
  readonly stream: (name?: string) => Promise<Stored<ImageStream> | undefined>;
  /** The digest that a tag of the output stream has. */
  readonly tag: (tag?: string) => Promise<string | undefined>;
  /** What Events say of it: "Published", by time. */
  readonly events: () => Promise<readonly string[]>;
}

/** A status, easy to look at. */
export interface Standing {
  readonly object: StoredEdgeBuild;
  /** "True Ready", by type. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, string>>;
  readonly platforms: readonly PlatformStatus[];
  /** The first platform's. */
  readonly platform: PlatformStatus | undefined;
}

const standingOf = (object: StoredEdgeBuild): Standing => {
  const { conditions = [], platforms = [] } = object.status ?? {};
  const by = (words: (condition: Condition) => string) =>
    Object.fromEntries(conditions.map((condition) => [condition.type, words(condition)]));
  return {
    ...{ object, platforms, platform: platforms.at(0) },
    conditions: by(({ status, reason }) => `${status} ${reason}`),
    messages: by(({ message }) => message),
  };
};

/** All of a kind in a namespace. */
export const all = async <T extends KubeObject>(kind: Kind, namespace: string): Promise<readonly T[]> => {
  const found: T[] = [];
  for await (const page of client.list<T>(kind, { namespace })) found.push(...page.items);
  return found;
};

/** Undefined: there is none. */
const find = async <T extends KubeObject>(
  kind: Kind,
  namespace: string,
  name: string,
): Promise<T | undefined> => {
  try {
    return await client.get<T>(kind, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

export const subject = (namespace: string, name = 'web'): Subject => {
  const object = (spec: object) => ({
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { namespace, name }, spec },
  });
  const read = () => client.get<StoredEdgeBuild>(kinds.edgeBuilds, { namespace, name });
  const isCurrent = ({ metadata, status }: StoredEdgeBuild): boolean =>
    status?.observedGeneration === metadata.generation;
  const untilFound: Subject['until'] = (found) =>
    eventually(
      async () => standingOf(await read()),
      (standing) => isCurrent(standing.object) && found(standing),
    );
  const builds = async () => {
    const found = await all<Stored<Build>>(kinds.builds, namespace);
    return found.toSorted((one, other) => numberOf(one) - numberOf(other));
  };
  const stream = (of = name) => find<Stored<ImageStream>>(kinds.imageStreams, namespace, of);
  const expected = async (type: 'Ready' | 'Stalled', reason: string): Promise<Standing> => {
    // What waits for a person does not change any more, but for a failed step: its last words may come later than the operator
    // waits for them, and say that it was something else.
    const isFinal = (condition = ''): boolean =>
      condition.startsWith('True ') && condition !== 'True DockerfileStepFailed';
    const isOver = ({ conditions }: Standing): boolean =>
      conditions[type] === `True ${reason}` || isFinal(conditions['Ready']) || isFinal(conditions['Stalled']);
    const standing = await untilFound(isOver);
    const { conditions, messages, platforms } = standing;
    if (conditions[type] === `True ${reason}`) return standing;
    const words = (await builds()).flatMap(({ status }) => status?.logSnippet ?? []);
    const seen = JSON.stringify({ conditions, messages, platforms, words }, null, 1);
    throw new Error(`${type} is not True for ${reason}: ${seen}`);
  };
  return {
    ...{ namespace, name, object, read, stream, until: untilFound },
    apply: (spec) => applyAll(object(spec)),
    ready: () => expected('Ready', 'Ready'),
    stalled: (reason) => expected('Stalled', reason),
    builds,
    buildConfigs: () => all(kinds.buildConfigs, namespace),
    tag: async (tag = 'latest') =>
      (await stream())?.status?.tags?.find((one) => one.tag === tag)?.items?.at(0)?.image,
    events: async () => {
      const of = `regarding.name=${name},regarding.kind=EdgeBuild`;
      const path = '{range .items[*]}{.reason}{"\\n"}{end}';
      const text = await kubectl(
        ...['get', 'events.events.k8s.io', '-n', namespace, '--field-selector', of],
        ...['--sort-by=.eventTime', '-o', `jsonpath=${path}`],
      );
      return text.split('\n').filter((line) => line !== '');
    },
  };
};

/** Returns when the operator has answered something newer in a namespace: it has thought of what was there before. */
export const thought = async (namespace: string): Promise<void> => {
  const probe = subject(namespace, 'probe');
  await probe.apply({ source: { dockerfile: 'FROM nowhere\nUNKNOWN\n' } });
  await probe.stalled('DockerfileInvalid');
  await kubectl('-n', namespace, 'delete', 'edgebuild', 'probe');
};

/** resourceVersions of an EdgeBuild and of all that was made for it. */
export const versionsOf = async (one: Subject): Promise<Readonly<Record<Key, string>>> => {
  const each = [
    ...[kinds.edgeBuilds, kinds.buildConfigs, kinds.builds, kinds.imageStreams],
    ...[kinds.deployments, kinds.services, kinds.routes],
  ];
  const found = await Promise.all(
    each.map(async (kind) =>
      (await all(kind, one.namespace)).map(
        ({ metadata }) => [`${kind.plural}/${metadata.name}`, metadata.resourceVersion ?? ''] as const,
      ),
    ),
  );
  return Object.fromEntries(found.flat());
};
