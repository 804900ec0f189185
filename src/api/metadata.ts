/**
 * `metadata` of an object, as the API server validates it: it does so by itself, so none of this is in the
 * CustomResourceDefinition. Facts: k8s.io/apimachinery v0.36.3 pkg/api/validation/objectmeta.go and
 * pkg/api/validate/content.
 */
import * as z from 'zod';
import { quote } from './words.ts';

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const nameCharacters = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

interface Form {
  /** In bytes. */
  readonly longest: number;
  /** The word the API server has for them here. Default: bytes. */
  readonly unit?: 'characters';
  /** An anchored regular expression, without its anchors. */
  readonly pattern: string;
  readonly sentence: string;
  readonly examples: readonly string[];
}

const namespaceForm: Form = {
  longest: 63,
  unit: 'characters',
  pattern: label,
  sentence:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  examples: ['my-name', '123-abc'],
};

const prefixForm: Form = {
  longest: 253,
  pattern: subdomain,
  sentence:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  examples: ['example.com'],
};

const nameForm: Form = { ...prefixForm, unit: 'characters' };

const labelValueForm: Form = {
  longest: 63,
  pattern: `(${nameCharacters})?`,
  sentence:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  examples: ['MyValue', 'my_value', '12345'],
};

const keyNameForm: Form = {
  longest: 63,
  pattern: nameCharacters,
  sentence:
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  examples: ['MyName', 'my.name', '123-abc'],
};

const sentenceOf = (form: Form): string =>
  `${form.sentence} (e.g. ${form.examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${form.pattern}')`;

/** What is wrong with a text that should have the form; empty when nothing is. */
const faultsOf = (text: string, form: Form): string[] => [
  ...(Buffer.byteLength(text) > form.longest
    ? [`must be no more than ${form.longest} ${form.unit ?? 'bytes'}`]
    : []),
  ...(new RegExp(`^(${form.pattern})$`, 'u').test(text) ? [] : [sentenceOf(form)]),
];

/** What is wrong with the key of a label or annotation: `[subdomain/]name`. */
const keyFaultsOf = (key: string): string[] => {
  const [first = '', second, ...more] = key.split('/');
  const [prefix, name] = second === undefined ? [undefined, first] : [first, second];
  if (more.length > 0)
    return [
      `a valid label key ${sentenceOf(keyNameForm)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  return [
    ...(prefix === '' ? ['prefix part must be non-empty'] : []),
    ...(prefix === undefined || prefix === ''
      ? []
      : faultsOf(prefix, prefixForm).map((fault) => `prefix part ${fault}`)),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...faultsOf(name, keyNameForm).map((fault) => `name part ${fault}`),
  ];
};

type Refuse = (value: string, faults: readonly string[]) => void;

const refusing =
  (context: z.core.$RefinementCtx): Refuse =>
  (value, faults) => {
    for (const fault of faults)
      context.addIssue({ code: 'custom', message: `Invalid value: ${quote(value)}: ${fault}` });
  };

const nameless = 'Required value: name or generateName is required';

const name = z
  .string({ error: (issue) => (issue.input === undefined ? nameless : undefined) })
  .superRefine((value, context) => {
    if (value === '') context.addIssue({ code: 'custom', message: nameless });
    if (value !== '') refusing(context)(value, faultsOf(value, nameForm));
  });

const namespaceFaultsOf = (value: string): string[] =>
  value.includes('.') && faultsOf(value, nameForm).length === 0
    ? ['must not contain dots']
    : faultsOf(value, namespaceForm);

/** Empty is as good as absent: kubectl fills it in. */
const namespace = z.string().superRefine((value, context) => {
  if (value === '') return;
  refusing(context)(value, namespaceFaultsOf(value));
});

const labels = z.record(z.string(), z.string()).superRefine((entries, context) => {
  const refuse = refusing(context);
  for (const [key, value] of Object.entries(entries)) {
    refuse(key, keyFaultsOf(key));
    refuse(value, faultsOf(value, labelValueForm));
  }
});

/** Bytes of all keys and values together. */
const annotationsLimit = 256 * 1024;

const annotations = z.record(z.string(), z.string()).superRefine((entries, context) => {
  const refuse = refusing(context);
  for (const key of Object.keys(entries)) refuse(key, keyFaultsOf(key.toLowerCase()));
  const size = Object.entries(entries).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
  if (size > annotationsLimit)
    context.addIssue({ code: 'custom', message: `Too long: may not be more than ${annotationsLimit} bytes` });
});

/** `metadata`: what identifies the object is checked; what the API server fills in is let through. */
export const metadataSchema = z.strictObject({
  name,
  generateName: z.string().exactOptional(),
  namespace: namespace.exactOptional(),
  labels: labels.exactOptional(),
  annotations: annotations.exactOptional(),
  finalizers: z.array(z.string()).exactOptional(),
  ownerReferences: z.array(z.record(z.string(), z.unknown())).exactOptional(),
  managedFields: z.array(z.record(z.string(), z.unknown())).exactOptional(),
  generation: z.int().exactOptional(),
  uid: z.string().exactOptional(),
  resourceVersion: z.string().exactOptional(),
  creationTimestamp: z.string().exactOptional(),
  deletionTimestamp: z.string().exactOptional(),
  deletionGracePeriodSeconds: z.int().exactOptional(),
  selfLink: z.string().exactOptional(),
});
