import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { createStore, type Interruption, type Store } from '../../src/kube/store.ts';
import type { WatcherTiming } from '../../src/kube/watcher.ts';
import { createLogger } from '../../src/ops/log.ts';
import { createApplyChildren } from '../../src/runtime/children.ts';
import { type Controller, createController, type Request } from '../../src/runtime/controller.ts';
import { done, type Outcome } from '../../src/runtime/outcome.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';

/**
 * The smallest kind with children: a Gadget has three ConfigMaps that say its value, or two if that is 'fewer', and a
 * status that counts them.
 */
export interface Gadget extends KubeObject {
  readonly spec: { readonly value: string };
  readonly status?: { readonly observedGeneration: number; readonly children: number };
}

const group = 'test.edgebuild.io';
export const gadgets: Kind = { group, version: 'v1', kind: 'Gadget', plural: 'gadgets', namespaced: true };
export const configMaps: Kind = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};
export const parts = ['a', 'b', 'c'] as const;
const partsOf = (value: string): readonly string[] => (value === 'fewer' ? parts.slice(0, 2) : parts);

export const gadget = (namespace: string, name: string, value: string): Gadget => ({
  apiVersion: `${group}/v1`,
  kind: 'Gadget',
  metadata: { namespace, name },
  spec: { value },
});

export const installGadgets = async (plane: ControlPlane): Promise<void> => {
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gadgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'gadgets', kind: 'Gadget' },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true, subresources: { status: {} } },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
  await plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(crd) });
  await plane.kubectl(['wait', '--for=condition=Established', `crd/gadgets.${group}`]);
};

/** Minutes become seconds, so that a test need not wait for them; their relations stay. */
export const shortTiming: WatcherTiming = {
  watchMs: 3000,
  silenceMs: 4000,
  healthyMs: 1000,
  backoffBaseMs: 20,
  backoffCapMs: 500,
  unavailableCapMs: 500,
  relistMs: 2000,
};

export interface Operator {
  readonly client: Client;
  readonly gadgets: Store<Gadget>;
  readonly maps: Store<KubeObject>;
  readonly interruptions: Interruption[];
  /** As a process that is killed: nothing is finished, nothing is given back. */
  readonly kill: () => Promise<void>;
}

export interface OperatorOptions {
  readonly timing?: Partial<WatcherTiming>;
  readonly reconcile?: (request: Request<Gadget>, usual: () => Promise<Outcome>) => Promise<Outcome>;
  readonly timeoutMs?: number;
  /** Of createApplyChildren. */
  readonly freshMs?: number;
  /** Of the controller's tries; `{}` for the product's own. */
  readonly backoff?: { readonly backoffBaseMs?: number; readonly backoffCapMs?: number };
  /** Gets each line of the controller's log. */
  readonly onLog?: (line: LogLine) => void;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly retryInMs?: number;
  readonly failures?: number;
}

/** A connection of its own, by a kubeconfig's path. */
export const clientBy = (kubeconfig: string): { client: Client; close: () => Promise<void> } => {
  const connection = openConnection(loadKubeConfig({ kubeconfig }));
  return { client: createClient({ connection, fieldManager: 'edgebuild' }), close: () => connection.close() };
};

/** A kubeconfig's text as a file in the control plane's own folder. */
export const asFile = async (plane: ControlPlane, text: string): Promise<string> => {
  const file = join(plane.logs, `${String(Math.random()).slice(2)}.kubeconfig`);
  await writeFile(file, text);
  return file;
};

/** The operator of Gadgets of one namespace, on the runtime under test. */
export const startOperator = (
  kubeconfig: string,
  namespace: string,
  options: OperatorOptions = {},
): Operator => {
  const { client, close } = clientBy(kubeconfig);
  const interruptions: Interruption[] = [];
  const settings = {
    ...{ fieldManager: 'edgebuild', namespace, timing: { ...shortTiming, ...options.timing } },
    onInterruption: (interruption: Interruption) => interruptions.push(interruption),
  };
  const roots = createStore<Gadget>(client, gadgets, settings);
  const maps = createStore<KubeObject>(client, configMaps, settings);
  const stop = new AbortController();
  const controller = controllerOf(roots, maps, options);
  const running = Promise.all([
    roots.run(stop.signal),
    maps.run(stop.signal),
    controller.run(client, stop.signal, stop.signal),
  ]);
  return {
    ...{ client, gadgets: roots, maps, interruptions },
    kill: async () => {
      stop.abort();
      await close();
      await running;
    },
  };
};

const controllerOf = (
  roots: Store<Gadget>,
  maps: Store<KubeObject>,
  options: OperatorOptions,
): Controller => {
  const { reconcile, timeoutMs = 10_000, freshMs = 20_000, onLog } = options;
  const { backoff = { backoffBaseMs: 20, backoffCapMs: 500 } } = options;
  const applyChildren = createApplyChildren({ freshMs });
  const usual = async ({ object, client }: Request<Gadget>): Promise<Outcome> => {
    const desired = partsOf(object.spec.value).map((part) => ({
      store: maps,
      object: childOf(object, part),
    }));
    await applyChildren({ client, owner: roots, object, desired, stores: [maps] });
    const children = maps.byIndex('owner', object.metadata.uid ?? '').length;
    const status = { observedGeneration: object.metadata.generation ?? 0, children };
    if (
      object.status?.children === children &&
      object.status.observedGeneration === status.observedGeneration
    )
      return done;
    const { namespace = '', name, uid = '' } = object.metadata;
    const { apiVersion, kind } = object;
    roots.learn(
      await client.patchStatus<Gadget>(gadgets, {
        apiVersion,
        kind,
        metadata: { namespace, name, uid },
        status,
      }),
    );
    return done;
  };
  return createController<Gadget>({
    ...{ name: 'gadgets', root: roots, owned: [maps], workers: 4, timeoutMs },
    ...backoff,
    log: createLogger({
      ...{ level: onLog === undefined ? 'error' : 'debug', format: 'json' },
      write: (line) => onLog?.(JSON.parse(line) as LogLine),
    }),
    reconcile: (request) => reconcile?.(request, () => usual(request)) ?? usual(request),
  });
};

const childOf = ({ metadata, spec }: Gadget, part: string): KubeObject & { data: object } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `${metadata.name}-${part}`, labels: { gadget: metadata.name } },
  data: { value: spec.value, part },
});

/** What matters of a namespace's Gadgets, by their names. */
export type State = Readonly<
  Record<
    string,
    {
      readonly value: string;
      readonly isCurrent: boolean;
      readonly counted: number | undefined;
      readonly children: readonly {
        readonly name: string;
        readonly gadget?: string;
        readonly data?: object;
      }[];
    }
  >
>;

/** What matters in the end, without times, versions and uids. Children of nobody are left to the garbage collector. */
export const stateOf = async (client: Client, namespace: string): Promise<State> => {
  const all = async <T extends KubeObject>(kind: Kind): Promise<T[]> => {
    const found: T[] = [];
    for await (const page of client.list<T>(kind, { namespace })) found.push(...page.items);
    return found;
  };
  const roots = await all<Gadget>(gadgets);
  const maps = await all<KubeObject & { data?: object }>(configMaps);
  return Object.fromEntries(
    roots.map(({ metadata, spec, status }) => [
      metadata.name,
      {
        value: spec.value,
        isCurrent: status?.observedGeneration === metadata.generation,
        counted: status?.children,
        children: maps
          .filter((map) => map.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
          .map((map) => ({
            name: map.metadata.name,
            ...(map.metadata.labels?.['gadget'] === undefined
              ? {}
              : { gadget: map.metadata.labels['gadget'] }),
            ...(map.data === undefined ? {} : { data: map.data }),
          })),
      },
    ]),
  );
};

/** What a run without faults ends in. */
export const wantedState = (values: ReadonlyMap<string, string>): State =>
  Object.fromEntries(
    [...values].map(([name, value]) => [
      name,
      {
        ...{ value, isCurrent: true, counted: partsOf(value).length },
        children: partsOf(value).map((part) => ({
          name: `${name}-${part}`,
          gadget: name,
          data: { value, part },
        })),
      },
    ]),
  );
