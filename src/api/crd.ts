import { dump } from 'js-yaml';
import { edgeBuildKind, group, version } from './edgebuild.ts';
import { nodeEmulationKind } from './node-emulation.ts';
import { edgeBuildOpenApi, nodeEmulationOpenApi, type StructuralSchema } from './openapi.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'date';
  readonly jsonPath: string;
  readonly description: string;
}

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** `kubectl get all` shows it. */
  readonly isInAll: boolean;
  readonly columns: readonly Column[];
  readonly schema: () => StructuralSchema;
}

const ready = (field: string, description: string): Omit<Column, 'name'> => ({
  type: 'string',
  jsonPath: `.status.conditions[?(@.type=="Ready")].${field}`,
  description,
});

const age: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'The time since the object was created.',
};

const edgeBuild: Definition = {
  ...{ kind: edgeBuildKind, plural: 'edgebuilds', shortName: 'eb', scope: 'Namespaced', isInAll: true },
  columns: [
    { name: 'Ready', ...ready('status', 'Whether every asked platform is built, verified and published.') },
    { name: 'Reason', ...ready('reason', 'Why it is, or is not.') },
    {
      name: 'Platforms',
      type: 'string',
      jsonPath: '.spec.platforms',
      description: 'The platforms asked for.',
    },
    {
      name: 'Image',
      type: 'string',
      jsonPath: '.status.image.reference',
      description: 'The published image, by digest.',
    },
    age,
  ],
  schema: edgeBuildOpenApi,
};

const nodeEmulation: Definition = {
  ...{ kind: nodeEmulationKind, plural: 'nodeemulations', shortName: 'ne', scope: 'Cluster', isInAll: false },
  columns: [
    { name: 'Ready', ...ready('status', 'Whether every asked architecture is proven on every node.') },
    { name: 'Reason', ...ready('reason', 'Why it is, or is not.') },
    { name: 'Nodes', ...ready('message', 'On how many nodes each architecture is proven.') },
    age,
  ],
  schema: nodeEmulationOpenApi,
};

const definitionOf = (of: Definition): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${of.plural}.${group}` },
  spec: {
    group,
    scope: of.scope,
    names: {
      kind: of.kind,
      listKind: `${of.kind}List`,
      plural: of.plural,
      singular: of.kind.toLowerCase(),
      shortNames: [of.shortName],
      ...(of.isInAll ? { categories: ['all'] } : {}),
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: of.columns,
        schema: { openAPIV3Schema: of.schema() },
      },
    ],
  },
});

/** The CustomResourceDefinition of EdgeBuild, as plain data. */
export const edgeBuildCrd = (): object => definitionOf(edgeBuild);
/** The CustomResourceDefinition of NodeEmulation, as plain data. */
export const nodeEmulationCrd = (): object => definitionOf(nodeEmulation);

const yamlOf = (definition: object): string =>
  `# Generated from src/api by scripts/generate.ts. Do not edit.\n${dump(definition, { noRefs: true, lineWidth: -1 })}`;

/** The definitions as YAML, by the names of their files in crds/. Each ends with a newline. */
export const crdFiles = (): Readonly<Record<string, string>> => ({
  [`${group}_${edgeBuild.plural}.yaml`]: yamlOf(edgeBuildCrd()),
  [`${group}_${nodeEmulation.plural}.yaml`]: yamlOf(nodeEmulationCrd()),
});

/** All of them, as `edgebuild crds` prints them. */
export const crdsYaml = (): string => Object.values(crdFiles()).join('---\n');
