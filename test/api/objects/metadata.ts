import { named, type ObjectCase } from './makers.ts';

export const metadataCases: readonly ObjectCase[] = [
  {
    title: 'a name in capitals',
    object: named({ name: 'Web' }),
    errors: [
      "metadata.name: Invalid value: \"Web\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    title: 'a name with an underscore',
    object: named({ name: 'a_b' }),
    errors: [
      "metadata.name: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    title: 'a name that is too long',
    object: named({ name: 'a'.repeat(254) }),
    errors: [
      'metadata.name: Invalid value: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": must be no more than 253 characters',
    ],
  },
  {
    title: 'no name',
    object: named({}),
    errors: ['metadata.name: Required value: name or generateName is required'],
  },
  {
    title: 'a namespace that is no label',
    object: named({ name: 'x', namespace: 'a.b' }),
    errors: ['metadata.namespace: Invalid value: "a.b": must not contain dots'],
    cluster: ['404: namespaces "a.b" not found'],
  },
  {
    title: 'labels that are none',
    object: named({ name: 'x', labels: { '/a': 'b c', 'a/b/c': '', '-': 'x' } }),
    errors: [
      "metadata.labels: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'metadata.labels: Invalid value: "/a": prefix part must be non-empty',
      "metadata.labels: Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
      "metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  },
  {
    title: 'annotations whose key is none',
    object: named({ name: 'x', annotations: { 'Example.com/A': 'any text', 'a b': '' } }),
    errors: [
      "metadata.annotations: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  },
  {
    title: 'annotations that are too long together',
    object: named({ name: 'x', annotations: { a: 'x'.repeat(256 * 1024) } }),
    errors: ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  },
];
