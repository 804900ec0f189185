import { InputError } from '../api/errors.ts';
import { nearest } from '../api/nearest.ts';
import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import { asLacking, type Cluster, type ClusterFlags, openCluster, requireName } from './cluster.ts';
import { exits, type Exit } from './exit.ts';
import { findEdgeBuilds, followEdgeBuilds } from './follow.ts';
import { interruptible } from './interrupt.ts';
import { turning } from './live-progress.ts';
import { jsonText, listOf } from './objects.ts';
import { isSettled, verdictOf } from './standing.ts';
import { listLines } from './status-list.ts';
import { liveLines, statusLines } from './status-text.ts';
import { liveStatus, plainStatus, type StatusView } from './status-watch.ts';
import type { Terminal } from './terminal.ts';

/** The flags of `edgebuild status`, as commander gives them. */
export interface StatusFlags extends ClusterFlags {
  readonly watch?: boolean;
  readonly output: 'text' | 'json';
}

/** `edgebuild status [NAME]`. */
export const status = async (
  name: string | undefined,
  flags: StatusFlags,
  terminal: Terminal,
): Promise<Exit> => {
  refuse(name, flags);
  const cluster = openCluster(flags);
  try {
    // There is nothing to clean up, so nothing is said of it.
    return await interruptible(
      () => undefined,
      async (signal) => {
        try {
          return name === undefined
            ? await statusOfAll({ cluster, flags, terminal, signal })
            : await statusOfOne(name, { cluster, flags, terminal, signal });
        } catch (error) {
          if (signal.aborted) return exits.interrupted;
          throw asLacking(error, cluster.server);
        }
      },
    );
  } finally {
    await cluster.close();
  }
};

const refuse = (name: string | undefined, flags: StatusFlags): void => {
  if (name !== undefined) requireName('name', name, 'NAME');
  if (name !== undefined && flags.allNamespaces === true)
    throw new InputError('--all-namespaces and NAME: a name is of one namespace: use -n');
  if (name === undefined && flags.watch === true && flags.output === 'json')
    throw new InputError('-o json with --watch needs NAME: it is printed at the end, and all have none');
};

interface Task {
  readonly cluster: Cluster;
  readonly flags: StatusFlags;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

const statusOfOne = async (name: string, task: Task): Promise<Exit> => {
  const { cluster, flags, terminal, signal } = task;
  const [object] = await findEdgeBuilds(cluster.client, { namespace: cluster.namespace, name }, signal);
  if (object === undefined) {
    terminal.tell(`error: ${await notFound(name, task)}`);
    return exits.failed;
  }
  const print = (seen: StoredEdgeBuild): void => {
    const { paint, result } = terminal;
    const view = { now: Date.now(), paint, server: cluster.server };
    result(flags.output === 'json' ? jsonText(seen) : statusLines(seen, view).join('\n'));
  };
  if (flags.watch !== true) {
    print(object);
    return exits.done;
  }
  return watchOne(name, object, print, task);
};

const watchOne = async (
  name: string,
  first: StoredEdgeBuild,
  print: (object: StoredEdgeBuild) => void,
  { cluster, terminal, signal }: Task,
): Promise<Exit> => {
  const { paintProgress: paint } = terminal;
  const view = viewOn(terminal, ([one], now) => {
    if (one === undefined) return [];
    const [sentence = '', ...rest] = liveLines(one, { now, paint, server: cluster.server });
    return [`${paint('green', turning(now))}  ${sentence}`, ...rest];
  });
  let last: StoredEdgeBuild | undefined = first;
  try {
    for await (const seen of followEdgeBuilds(
      cluster.client,
      { namespace: cluster.namespace, name },
      signal,
    )) {
      if ('silence' in seen) view.silence(seen.silence, seen.retryInMs);
      else {
        view.show(seen.objects);
        [last] = seen.objects;
        if (last === undefined || isSettled(verdictOf(last))) break;
      }
    }
  } finally {
    view.end();
  }
  if (last === undefined) {
    terminal.tell(`error: EdgeBuild ${name} was deleted`);
    return exits.failed;
  }
  print(last);
  if (signal.aborted) return exits.interrupted;
  return verdictOf(last) === 'Ready' ? exits.done : exits.failed;
};

const statusOfAll = async ({ cluster, flags, terminal, signal }: Task): Promise<Exit> => {
  const which = { namespace: cluster.namespace, name: undefined };
  const withNamespace = cluster.namespace === undefined;
  const print = (objects: readonly StoredEdgeBuild[]): void => {
    const { paint, result, tell } = terminal;
    if (flags.output === 'json') result(jsonText(listOf(objects)));
    else if (objects.length === 0) tell(`no EdgeBuild in ${cluster.namespace ?? 'any namespace'}`);
    else result(listLines(objects, { now: Date.now(), paint, withNamespace }).join('\n'));
  };
  let objects = await findEdgeBuilds(cluster.client, which, signal);
  if (flags.watch !== true) {
    print(objects);
    return exits.done;
  }
  const { paintProgress: paint } = terminal;
  const view = viewOn(terminal, (seen, now) => listLines(seen, { now, paint, withNamespace }));
  try {
    for await (const seen of followEdgeBuilds(cluster.client, which, signal)) {
      if ('silence' in seen) view.silence(seen.silence, seen.retryInMs);
      else {
        ({ objects } = seen);
        view.show(objects);
      }
    }
  } finally {
    view.end();
  }
  print(objects);
  return exits.interrupted;
};

const viewOn = (
  { draw, height, liveLines: isLive }: Terminal,
  linesOf: (objects: readonly StoredEdgeBuild[], now: number) => readonly string[],
): StatusView => {
  const sink = { draw, height, now: Date.now };
  return isLive ? liveStatus(sink, linesOf) : plainStatus(sink);
};

/** With what the namespace has instead, as far as it may be read. */
const notFound = async (name: string, { cluster, signal }: Task): Promise<string> => {
  const { namespace = '' } = cluster;
  const words = `there is no EdgeBuild ${name} in namespace ${namespace}`;
  try {
    const others = await findEdgeBuilds(cluster.client, { namespace, name: undefined }, signal);
    const names = others.map(({ metadata }) => metadata.name);
    const near = nearest(name, names);
    if (near !== undefined) return `${words}; did you mean ${near}?`;
    if (names.length === 0) return `${words}, nor any other: -n names another namespace`;
    return `${words}; there are ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
  } catch {
    return words;
  }
};
