import { dump } from 'js-yaml';
import type { EdgeBuild } from '../api/edgebuild.ts';
import { InputError, type InputIssue } from '../api/errors.ts';
import { renderedOf, type Rendered } from '../edgebuild/rendered.ts';
import { destinationOf } from '../engines/openshift/names.ts';
import { exits, type Exit } from './exit.ts';
import { jsonText, listOf } from './objects.ts';
import { readEdgeBuilds } from './read-edgebuilds.ts';
import type { Terminal } from './terminal.ts';

/** The flags of `edgebuild render`, as commander gives them. */
export interface RenderFlags {
  readonly file?: string;
  readonly namespace?: string;
  readonly output: 'yaml' | 'json';
}

/** `edgebuild render`. */
export const render = async (flags: RenderFlags, terminal: Terminal): Promise<Exit> => {
  const edgeBuilds = await readEdgeBuilds(flags.file, terminal.tell);
  const { objects, notes } = renderedAll(edgeBuilds, flags);
  for (const note of notes) terminal.tell(`# ${note}`);
  terminal.result(flags.output === 'json' ? jsonText(listOf(objects)) : objects.map(document).join(''));
  return exits.done;
};

/** Lines are not folded: a review shows what is run, as it is run. */
const document = (object: object): string => `---\n${dump(object, { noRefs: true, lineWidth: -1 })}`;

/**
 * The objects of all EdgeBuilds of a file. Nothing is printed of a file with a fault.
 *
 * @throws InputError with every fault.
 */
const renderedAll = (edgeBuilds: readonly EdgeBuild[], flags: RenderFlags): Rendered => {
  const issues: InputIssue[] = [];
  const file = flags.file ?? '';
  const all = edgeBuilds.flatMap((edgeBuild) => {
    const placed = inNamespace(edgeBuild, flags.namespace);
    try {
      return { edgeBuild: placed, rendered: renderedOf(placed) };
    } catch (error) {
      issues.push({ file, path: '', message: faultOf(error, edgeBuild) });
      return [];
    }
  });
  if (issues.length > 0) throw new InputError(issues);
  refuseSharedTags(all.map(({ edgeBuild }) => edgeBuild));
  return {
    objects: withoutTwins(all),
    notes: all.flatMap(({ edgeBuild, rendered }) =>
      rendered.notes.map((note) => `${edgeBuild.metadata.name}: ${note}`),
    ),
  };
};

/** As kubectl: a flag does not move an object that says where it belongs. */
const inNamespace = (edgeBuild: EdgeBuild, namespace: string | undefined): EdgeBuild => {
  const own = edgeBuild.metadata.namespace ?? '';
  if (namespace === undefined) return edgeBuild;
  if (own === '' || own === namespace)
    return { ...edgeBuild, metadata: { ...edgeBuild.metadata, namespace } };
  throw new InputError(
    `--namespace ${namespace}: ${edgeBuild.metadata.name} says that its namespace is ${own}: render it without the flag`,
  );
};

/** Told apart by name, as in exit.ts; what is neither is a bug. */
const faultOf = (error: unknown, { metadata, spec }: EdgeBuild): string => {
  if (!(error instanceof Error) || !['DockerfileError', 'ImageNameError'].includes(error.name)) throw error;
  // A Dockerfile in git was not read.
  const field = spec.source.dockerfile === undefined ? 'spec.baseImages' : 'spec.source.dockerfile';
  return `${metadata.name}: ${field} ${error.message}`;
};

/** On a cluster the older of the two would have the tag, and the other one would wait for a person. */
const refuseSharedTags = (edgeBuilds: readonly EdgeBuild[]): void => {
  const owners = new Map<string, string>();
  for (const { metadata, spec } of edgeBuilds) {
    const { stream, tag } = destinationOf(metadata.name, spec.output.imageStreamTag);
    const place = `${metadata.namespace ?? ''}/${stream}:${tag}`;
    const owner = owners.get(place);
    if (owner !== undefined)
      throw new InputError(
        `${owner} and ${metadata.name} would both publish to ${stream}:${tag}: name another tag in spec.output.imageStreamTag`,
      );
    owners.set(place, metadata.name);
  }
};

interface One {
  readonly edgeBuild: EdgeBuild;
  readonly rendered: Rendered;
}

const rename = 'give it another name, or another spec.output.imageStreamTag';

/** Several EdgeBuilds may publish to one ImageStream, each a tag of its own: it is made once. */
const withoutTwins = (all: readonly One[]): Rendered['objects'] => {
  const made = new Map<string, { readonly text: string; readonly by: string }>();
  return all.flatMap(({ edgeBuild: { metadata }, rendered }) =>
    rendered.objects.filter((object) => {
      const { name, namespace = '' } = object.metadata;
      const key = `${object.kind} ${namespace}/${name}`;
      const text = JSON.stringify(object);
      const twin = made.get(key);
      if (twin === undefined) made.set(key, { text, by: metadata.name });
      else if (twin.by === metadata.name)
        throw new InputError(`${object.kind} ${name} would be made twice for ${metadata.name}: ${rename}`);
      else if (twin.text !== text)
        throw new InputError(`${object.kind} ${name} is of ${twin.by} and of ${metadata.name}: ${rename}`);
      return twin === undefined;
    }),
  );
};
