import { apiVersion, kind, dockerfile, uri, withSpec, type ObjectCase } from './makers.ts';

export const specCases: readonly ObjectCase[] = [
  { title: 'no source at all', object: withSpec({}), errors: ['spec.source: Required value'] },
  {
    title: 'no spec',
    object: { apiVersion, kind, metadata: { name: 'x' } },
    errors: ['spec: Required value'],
  },
  {
    title: 'a source with neither git nor dockerfile',
    object: withSpec({ source: { dockerfilePath: 'Dockerfile' } }),
    errors: [
      'spec.source: Required value: spec.source needs git or dockerfile and has neither: set git.uri to the repository, or dockerfile to the text of a Dockerfile',
    ],
  },
  {
    title: 'a platform that there is not',
    object: withSpec({ source: { dockerfile }, platforms: ['linux/arm64', 'linux/foo'] }),
    errors: [
      'spec.platforms[1]: Unsupported value: "linux/foo": supported values: "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64", "linux/mips64le"',
    ],
  },
  {
    title: 'a platform twice',
    object: withSpec({
      source: { dockerfile },
      platforms: ['linux/arm64', 'linux/amd64', 'linux/arm64', 'linux/arm64'],
    }),
    errors: ['spec.platforms[2]: Duplicate value: "linux/arm64"'],
  },
  {
    title: 'no platform',
    object: withSpec({ source: { dockerfile }, platforms: [] }),
    errors: ['spec.platforms: Invalid value: 0: spec.platforms in body should have at least 1 items'],
  },
  {
    title: 'too many platforms',
    object: withSpec({ source: { dockerfile }, platforms: Array.from({ length: 17 }, () => 'linux/s390x') }),
    errors: ['spec.platforms: Too many: 17: must have at most 16 items'],
    cluster: [
      'spec.platforms: Too many: 17: must have at most 16 items',
      'spec.platforms[1]: Duplicate value: "linux/s390x"',
    ],
  },
  {
    title: 'platforms that are a text',
    object: withSpec({ source: { dockerfile }, platforms: 'linux/arm64' }),
    errors: [
      'spec.platforms: Invalid value: "string": spec.platforms in body must be of type array: "string"',
    ],
  },
  {
    title: 'a platform that is a number',
    object: withSpec({ source: { dockerfile }, platforms: [64] }),
    errors: [
      'spec.platforms[0]: Invalid value: "integer": spec.platforms[0] in body must be of type string: "integer"',
      'spec.platforms[0]: Unsupported value: 64: supported values: "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64", "linux/mips64le"',
    ],
  },
  {
    title: 'a platform that is null',
    object: withSpec({ source: { dockerfile }, platforms: [null] }),
    errors: [
      'spec.platforms[0]: Invalid value: "null": spec.platforms[0] in body must be of type string: "null"',
      'spec.platforms[0]: Unsupported value: null: supported values: "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64", "linux/mips64le"',
    ],
  },
  {
    title: 'an execution that there is not',
    object: withSpec({ source: { dockerfile }, execution: 'native' }),
    errors: [
      'spec.execution: Unsupported value: "native": supported values: "PreferNative", "Native", "Emulated"',
    ],
  },
  {
    title: 'an execution that is true',
    object: withSpec({ source: { dockerfile }, execution: true }),
    errors: [
      'spec.execution: Invalid value: "boolean": spec.execution in body must be of type string: "boolean"',
      'spec.execution: Unsupported value: true: supported values: "PreferNative", "Native", "Emulated"',
    ],
  },
  {
    title: 'a base image that is an option',
    object: withSpec({ source: { dockerfile }, baseImages: [{ from: '--platform=linux/arm64' }] }),
    errors: [
      'spec.baseImages[0].from: Invalid value: "--platform=linux/arm64": from "--platform=linux/arm64" cannot stand after FROM: it starts with "-" or has whitespace in it: write the one word that follows FROM in the Dockerfile, without --platform and AS',
    ],
  },
  {
    title: 'a base image of two words',
    object: withSpec({ source: { dockerfile }, baseImages: [{ from: 'debian AS base' }] }),
    errors: [
      'spec.baseImages[0].from: Invalid value: "debian AS base": from "debian AS base" cannot stand after FROM: it starts with "-" or has whitespace in it: write the one word that follows FROM in the Dockerfile, without --platform and AS',
    ],
  },
  {
    title: 'a base image mapped to no image',
    object: withSpec({ source: { dockerfile }, baseImages: [{ from: 'debian', image: 'Debian:12' }] }),
    errors: [
      'spec.baseImages[0].image: Invalid value: "Debian:12": image "Debian:12" is no image reference: write [registry/]name[:tag][@digest], the name in lower case, such as docker.io/library/debian:bookworm-slim',
    ],
  },
  {
    title: 'a base image mapped to an archive',
    object: withSpec({
      source: { dockerfile },
      baseImages: [{ from: 'debian', image: 'oci-archive:/tmp/x' }],
    }),
    errors: [
      'spec.baseImages[0].image: Invalid value: "oci-archive:/tmp/x": image "oci-archive:/tmp/x" is no image reference: write [registry/]name[:tag][@digest], the name in lower case, such as docker.io/library/debian:bookworm-slim',
    ],
  },
  {
    title: 'a base image twice',
    object: withSpec({
      source: { dockerfile },
      baseImages: [{ from: 'a' }, { from: 'b' }, { from: 'a', image: 'c' }],
    }),
    errors: ['spec.baseImages[2]: Duplicate value: {"from":"a"}'],
  },
  {
    title: 'a base image without from',
    object: withSpec({ source: { dockerfile }, baseImages: [{ image: 'debian' }] }),
    errors: ['spec.baseImages[0].from: Required value'],
  },
  {
    title: 'a base image that is a text',
    object: withSpec({ source: { dockerfile }, baseImages: ['debian'] }),
    errors: [
      'spec.baseImages[0]: Invalid value: "string": spec.baseImages[0] in body must be of type object: "string"',
    ],
    cluster: [
      'spec.baseImages[0]: Invalid value: "debian": must be an object for an array of list-type map',
      'spec.baseImages[0]: Invalid value: "string": spec.baseImages[0] in body must be of type object: "string"',
    ],
  },
  {
    title: 'a build argument whose name begins with a digit',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: '1ST', value: '' }] }),
    errors: [
      'spec.buildArgs[0].name: Invalid value: "1ST": build argument "1ST" has a name that no ARG can have: use letters, digits and underscores, and no digit first',
    ],
  },
  {
    title: 'a build argument whose name has a =',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: 'A=B', value: '' }] }),
    errors: [
      'spec.buildArgs[0].name: Invalid value: "A=B": build argument "A=B" has a name that no ARG can have: use letters, digits and underscores, and no digit first',
    ],
  },
  {
    title: 'a build argument twice',
    object: withSpec({
      source: { dockerfile },
      buildArgs: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    }),
    errors: ['spec.buildArgs[1]: Duplicate value: {"name":"A"}'],
  },
  {
    title: 'a build argument without a value',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: 'A' }] }),
    errors: ['spec.buildArgs[0].value: Required value'],
  },
  {
    title: 'a build argument whose value is a number',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: 'A', value: 1.2 }] }),
    errors: [
      'spec.buildArgs[0].value: Invalid value: "number": spec.buildArgs[0].value in body must be of type string: "number"',
    ],
  },
  {
    title: 'a build argument with a NUL character',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: 'A', value: 'a\u0000b' }] }),
    errors: [
      'spec.buildArgs[0].value: Invalid value: "a\\x00b": the value of a build argument has a NUL character in it: remove it',
    ],
  },
  {
    title: 'a build argument one character of four bytes too long',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: 'A', value: '😀'.repeat(4097) }] }),
    errors: ['spec.buildArgs[0].value: Too long: may not be more than 4096 bytes'],
  },
  {
    title: 'too many build arguments',
    object: withSpec({
      source: { dockerfile },
      buildArgs: Array.from({ length: 65 }, (_, index) => ({ name: `A${index}`, value: '' })),
    }),
    errors: ['spec.buildArgs: Too many: 65: must have at most 64 items'],
  },
  {
    title: 'an output image by digest',
    object: withSpec({
      source: { dockerfile },
      output: { image: `quay.io/acme/web@sha256:${'0'.repeat(64)}` },
    }),
    errors: [
      'spec.output.image: Invalid value: "quay.io/acme/web@sha256:0000000000000000000000000000000000000000000000000000000000000000": image "quay.io/acme/web@sha256:0000000000000000000000000000000000000000000000000000000000000000" is no name that an image can be pushed to: write [registry/]name[:tag], the name in lower case and without a digest, such as quay.io/acme/web:1.2',
    ],
  },
  {
    title: 'an output image that is an address',
    object: withSpec({ source: { dockerfile }, output: { image: 'https://quay.io/acme/web' } }),
    errors: [
      'spec.output.image: Invalid value: "https://quay.io/acme/web": image "https://quay.io/acme/web" is no name that an image can be pushed to: write [registry/]name[:tag], the name in lower case and without a digest, such as quay.io/acme/web:1.2',
    ],
  },
  {
    title: 'an output image that is an option',
    object: withSpec({ source: { dockerfile }, output: { image: '--all' } }),
    errors: [
      'spec.output.image: Invalid value: "--all": image "--all" is no name that an image can be pushed to: write [registry/]name[:tag], the name in lower case and without a digest, such as quay.io/acme/web:1.2',
    ],
  },
  {
    title: 'a label without a name',
    object: withSpec({ source: { dockerfile }, output: { labels: { '': 'x' } } }),
    errors: [
      'spec.output.labels: Invalid value: the name of a label is empty, longer than 128 characters, starts with "-" or has "=" in it: name labels like org.opencontainers.image.vendor',
    ],
  },
  {
    title: 'a label whose name is an option',
    object: withSpec({ source: { dockerfile }, output: { labels: { '--x': 'x' } } }),
    errors: [
      'spec.output.labels: Invalid value: the name of a label is empty, longer than 128 characters, starts with "-" or has "=" in it: name labels like org.opencontainers.image.vendor',
    ],
  },
  {
    title: 'a label whose name has a =',
    object: withSpec({ source: { dockerfile }, output: { labels: { 'a=b': 'x' } } }),
    errors: [
      'spec.output.labels: Invalid value: the name of a label is empty, longer than 128 characters, starts with "-" or has "=" in it: name labels like org.opencontainers.image.vendor',
    ],
  },
  {
    title: 'a label whose name is too long',
    object: withSpec({ source: { dockerfile }, output: { labels: { ['a'.repeat(129)]: 'x' } } }),
    errors: [
      'spec.output.labels: Invalid value: the name of a label is empty, longer than 128 characters, starts with "-" or has "=" in it: name labels like org.opencontainers.image.vendor',
    ],
  },
  {
    title: 'a label whose value is too long',
    object: withSpec({ source: { dockerfile }, output: { labels: { 'org.example.a': 'x'.repeat(1025) } } }),
    errors: ['spec.output.labels.org.example.a: Too long: may not be more than 1024 bytes'],
  },
  {
    title: 'a label whose value is a number',
    object: withSpec({ source: { dockerfile }, output: { labels: { 'org.example.a': 1 } } }),
    errors: [
      'spec.output.labels.org.example.a: Invalid value: "integer": spec.output.labels.org.example.a in body must be of type string: "integer"',
    ],
  },
  {
    title: 'a label with a NUL character',
    object: withSpec({ source: { dockerfile }, output: { labels: { a: '\u0000' } } }),
    errors: ['spec.output.labels: Invalid value: the value of a label has a NUL character in it: remove it'],
  },
  {
    title: 'too many labels',
    object: withSpec({
      source: { dockerfile },
      output: { labels: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`l${index}`, ''])) },
    }),
    errors: ['spec.output.labels: Too many: 33: must have at most 32 items'],
  },
  {
    title: 'labels that are a list',
    object: withSpec({ source: { dockerfile }, output: { labels: ['a'] } }),
    errors: [
      'spec.output.labels: Invalid value: "array": spec.output.labels in body must be of type object: "array"',
    ],
  },
  {
    title: 'a smoke command of nothing',
    object: withSpec({ source: { dockerfile }, verify: { command: [] } }),
    errors: [
      'spec.verify.command: Invalid value: 0: spec.verify.command in body should have at least 1 items',
    ],
  },
  {
    title: 'a smoke command whose program is empty',
    object: withSpec({ source: { dockerfile }, verify: { command: ['', '-t'] } }),
    errors: [
      'spec.verify.command: Invalid value: the first item of command is empty: write the program first, or leave command out',
    ],
  },
  {
    title: 'a smoke command that is a text',
    object: withSpec({ source: { dockerfile }, verify: { command: 'true' } }),
    errors: [
      'spec.verify.command: Invalid value: "string": spec.verify.command in body must be of type array: "string"',
    ],
  },
  {
    title: 'a smoke command with a NUL character',
    object: withSpec({ source: { dockerfile }, verify: { command: ['a\u0000'] } }),
    errors: [
      'spec.verify.command[0]: Invalid value: "a\\x00": an item of command has a NUL character in it: remove it',
    ],
  },
  {
    title: 'a verification that there is not',
    object: withSpec({ source: { dockerfile }, verify: { architecture: 'Lax' } }),
    errors: ['spec.verify.architecture: Unsupported value: "Lax": supported values: "Strict", "Skip"'],
  },
  {
    title: 'too many retries',
    object: withSpec({ source: { dockerfile }, retry: { limit: 11 } }),
    errors: [
      'spec.retry.limit: Invalid value: 11: spec.retry.limit in body should be less than or equal to 10',
    ],
  },
  {
    title: 'fewer retries than none',
    object: withSpec({ source: { dockerfile }, retry: { limit: -1 } }),
    errors: [
      'spec.retry.limit: Invalid value: -1: spec.retry.limit in body should be greater than or equal to 0',
    ],
  },
  {
    title: 'half a retry',
    object: withSpec({ source: { dockerfile }, retry: { limit: 0.5 } }),
    errors: [
      'spec.retry.limit: Invalid value: "number": spec.retry.limit in body must be of type integer: "number"',
    ],
    cluster: [
      '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.retry.limit',
      'spec.retry.limit: Invalid value: "number": spec.retry.limit in body must be of type integer: "number"',
    ],
  },
  {
    title: 'a retry limit that is a text',
    object: withSpec({ source: { dockerfile }, retry: { limit: '2' } }),
    errors: [
      'spec.retry.limit: Invalid value: "string": spec.retry.limit in body must be of type integer: "string"',
    ],
  },
  {
    title: 'no time at all',
    object: withSpec({ source: { dockerfile }, timeoutSeconds: 0 }),
    errors: [
      'spec.timeoutSeconds: Invalid value: 0: spec.timeoutSeconds in body should be greater than or equal to 1',
    ],
  },
  {
    title: 'more time than a day',
    object: withSpec({ source: { dockerfile }, timeoutSeconds: 86401 }),
    errors: [
      'spec.timeoutSeconds: Invalid value: 86401: spec.timeoutSeconds in body should be less than or equal to 86400',
    ],
  },
  {
    title: 'a way to publish that there is not',
    object: withSpec({ source: { dockerfile }, publish: 'All' }),
    errors: ['spec.publish: Unsupported value: "All": supported values: "AllPlatforms", "Succeeded"'],
  },
  {
    title: 'an unknown field of spec',
    object: withSpec({ source: { dockerfile }, platfroms: ['linux/arm64'] }),
    errors: ['spec.platfroms: unknown field "spec.platfroms": did you mean "platforms"?'],
    cluster: ['unknown field "spec.platfroms"'],
  },
  {
    title: 'an unknown field deep below',
    object: withSpec({ source: { git: { uri, branch: 'main' } }, baseImages: [{ From: 'a', from: 'b' }] }),
    errors: [
      'spec.baseImages[0].From: unknown field "spec.baseImages[0].From": did you mean "from"?',
      'spec.source.git.branch: unknown field "spec.source.git.branch": known here: uri, ref',
    ],
    cluster: ['unknown field "spec.baseImages[0].From"', 'unknown field "spec.source.git.branch"'],
  },
  {
    title: 'an unknown field beside spec',
    object: { ...withSpec({ source: { dockerfile } }), specs: {} },
    errors: ['specs: unknown field "specs": did you mean "spec"?'],
    cluster: ['unknown field "specs"'],
  },
  {
    title: 'an unknown field that is null',
    object: withSpec({ source: { dockerfile }, env: null }),
    errors: [
      'spec.env: unknown field "spec.env": known here: source, platforms, execution, baseImages, buildArgs, output, verify, deploy, triggers, retry, publish, timeoutSeconds, resources, history, suspend',
    ],
    cluster: ['unknown field "spec.env"'],
  },
  {
    title: 'several at once',
    object: withSpec({
      source: { git: { uri: 'file:///x', ref: '-x' }, contextDir: '..' },
      retry: { limit: 99 },
    }),
    errors: [
      'spec.retry.limit: Invalid value: 99: spec.retry.limit in body should be less than or equal to 10',
      'spec.source.contextDir: Invalid value: "..": contextDir ".." has ".." in it, which could lead out of the source: write the path without ".."',
      'spec.source.git.ref: Invalid value: "-x": git ref "-x" starts with "-", which git would read as an option: name a branch, a tag or a commit',
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
];
