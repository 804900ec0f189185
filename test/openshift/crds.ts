/** CRDs whose schemas are OpenShift's own: a field that OpenShift does not have is refused by the real API server. */
import { buildConfigs, builds, groups, images, imageStreams } from './groups.ts';
import { type Definition, type Definitions, referenceOf } from './schema-source.ts';
import type { Kind } from '../../src/kube/objects.ts';

/** https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ */
export const crdsOf = (definitions: Definitions): readonly object[] => [
  crd(definitions, `${groups.build.definitions}.BuildConfig`, buildConfigs, buildConfigColumns),
  crd(definitions, `${groups.build.definitions}.Build`, builds, buildColumns),
  crd(definitions, `${groups.image.definitions}.ImageStream`, imageStreams, imageStreamColumns),
  crd(definitions, `${groups.image.definitions}.Image`, images, imageColumns),
  crd(definitions, 'com.github.openshift.api.route.v1.Route', routes, routeColumns, { status: {} }),
];

const routes: Kind = {
  ...{ group: 'route.openshift.io', version: 'v1', kind: 'Route', plural: 'routes', namespaced: true },
};

type Column = readonly [name: string, type: string, jsonPath: string];

const buildConfigColumns: readonly Column[] = [
  ['Type', 'string', '.spec.strategy.type'],
  ['From', 'string', '.spec.source.type'],
  ['Latest', 'integer', '.status.lastVersion'],
];
const buildColumns: readonly Column[] = [
  ['Type', 'string', '.spec.strategy.type'],
  ['From', 'string', '.spec.source.type'],
  ['Status', 'string', '.status.phase'],
  ['Started', 'date', '.status.startTimestamp'],
];
const imageStreamColumns: readonly Column[] = [
  ['Image Repository', 'string', '.status.dockerImageRepository'],
  ['Tags', 'string', '.status.tags[*].tag'],
];
const imageColumns: readonly Column[] = [['Image Reference', 'string', '.dockerImageReference']];
const routeColumns: readonly Column[] = [
  ['Host/Port', 'string', '.spec.host'],
  ['Services', 'string', '.spec.to.name'],
];

const crd = (
  definitions: Definitions,
  definition: string,
  { group, kind, plural, namespaced }: Kind,
  columns: readonly Column[],
  subresources: object = {},
): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true, subresources },
        additionalPrinterColumns: columns.map(([name, type, jsonPath]) => ({ name, type, jsonPath })),
        schema: { openAPIV3Schema: rootSchema(definitions, definition) },
      },
    ],
  },
});

const rootSchema = (definitions: Definitions, name: string): object => {
  const { description, properties = {} } = definitions[name] ?? missing(name);
  const { apiVersion: _, kind: __, metadata: ___, ...own } = properties;
  return {
    ...{ type: 'object', description },
    properties: {
      ...{ apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } },
      ...mapValues(own, (schema) => structural(definitions, schema)),
      // What the stand-in has to remember; it is shown to nobody.
      standin: { type: 'object', properties: { generation: { type: 'integer', format: 'int64' } } },
    },
  };
};

const missing = (name: string): never => {
  throw new Error(`OpenShift's OpenAPI document has no definition ${name}`);
};

/** Types that Go writes in a way of their own. Their zero value is null. */
const special: Readonly<Record<string, object>> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': { type: 'string', format: 'date-time', nullable: true },
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': { type: 'string', format: 'date-time', nullable: true },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { 'x-kubernetes-int-or-string': true },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { 'x-kubernetes-int-or-string': true },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': {
    ...{ type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    ...{ type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

/**
 * `required` and `default` of the document are left out: OpenShift does not ask for what is required there, it fills in
 * Go's zero values, and its validation is admission.ts.
 */
const structural = (definitions: Definitions, schema: Definition): object => {
  const name = referenceOf(schema);
  if (name !== undefined) {
    const known = special[name];
    return {
      ...(known ?? structural(definitions, definitions[name] ?? missing(name))),
      ...(schema.description === undefined ? {} : { description: schema.description }),
    };
  }
  const { type, format, description, properties, additionalProperties, items } = schema;
  const text = description === undefined ? {} : { description };
  if (items !== undefined) return { type, ...text, ...listOf(definitions, schema, items) };
  if (additionalProperties !== undefined) {
    const values = structural(definitions, additionalProperties);
    return { type, ...text, nullable: true, additionalProperties: values };
  }
  if (properties !== undefined) {
    const map = schema['x-kubernetes-map-type'];
    return {
      ...{ type, ...text, properties: mapValues(properties, (one) => structural(definitions, one)) },
      ...(map === undefined ? {} : { 'x-kubernetes-map-type': map }),
    };
  }
  return { type, ...text, ...(format === undefined ? {} : { format }) };
};

/** Lists of the time before x-kubernetes-list-type say with their patch strategy which fields are keys. */
const listOf = (definitions: Definitions, schema: Definition, items: Definition): object => {
  const mergeKey = schema['x-kubernetes-patch-merge-key'] as string | undefined;
  const keys =
    (schema['x-kubernetes-list-map-keys'] as readonly string[] | undefined) ??
    (mergeKey === undefined ? undefined : [mergeKey]);
  const inner: { readonly properties?: object } = structural(definitions, items);
  // ImageSignatures are told apart by a name that they only have in their metadata.
  if (keys === undefined || !keys.every((key) => key in (inner.properties ?? {}))) {
    const listType = schema['x-kubernetes-list-type'];
    return {
      ...{ nullable: true, items: inner },
      ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
    };
  }
  return {
    nullable: true,
    items: { ...inner, required: keys },
    ...{ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys },
  };
};

const mapValues = <From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
