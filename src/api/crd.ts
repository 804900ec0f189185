import { dump } from 'js-yaml';
import { edgeBuildKind, group, version } from './edgebuild.ts';
import { edgeBuildOpenApi } from './openapi.ts';

const plural = 'edgebuilds';

const readyCondition = '.status.conditions[?(@.type=="Ready")]';

const printerColumns = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: `${readyCondition}.status`,
    description: 'Whether every asked platform is built, verified and published.',
  },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: `${readyCondition}.reason`,
    description: 'Why it is, or is not.',
  },
  { name: 'Platforms', type: 'string', jsonPath: '.spec.platforms', description: 'The platforms asked for.' },
  {
    name: 'Image',
    type: 'string',
    jsonPath: '.status.image.reference',
    description: 'The published image, by digest.',
  },
  {
    name: 'Age',
    type: 'date',
    jsonPath: '.metadata.creationTimestamp',
    description: 'The time since the object was created.',
  },
];

/** The CustomResourceDefinition of EdgeBuild, as plain data. */
export const edgeBuildCrd = (): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      kind: edgeBuildKind,
      listKind: `${edgeBuildKind}List`,
      plural,
      singular: 'edgebuild',
      shortNames: ['eb'],
      categories: ['all'],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: printerColumns,
        schema: { openAPIV3Schema: edgeBuildOpenApi() },
      },
    ],
  },
});

/** The same as YAML, as it stands in crds/ and as `edgebuild crds` prints it. Ends with a newline. */
export const crdYaml = (): string =>
  `# Generated from src/api by scripts/generate.ts. Do not edit.\n${dump(edgeBuildCrd(), { noRefs: true, lineWidth: -1 })}`;
