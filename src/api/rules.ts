import { forbids, nulFree, requires, rule, type Rule } from './rule.ts';

/** Whitespace and control characters of ASCII, and all others. */
const blank = '[\\x00-\\x20\\x7f]';
const visible = '[^\\x00-\\x20\\x7f]';

const hostName = '[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?';
const host = `(${hostName}|\\[[0-9A-Fa-f:]+\\])(:[0-9]{1,5})?`;
const gitUrl = `(https?|ssh|git)://([^-/@?#][^/@?#]*@)?${host}/${visible}+`;
const gitShort = `[A-Za-z0-9_][A-Za-z0-9._-]*@${hostName}:[^:-]${visible}*`;

/** Names of images as the distribution project's grammar has them: [host[:port]/]path[:tag][@digest]. */
const imageComponent = '[a-z0-9]+((\\.|__?|-+)[a-z0-9]+)*';
const imageName = `(${host}/)?${imageComponent}(/${imageComponent})*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?`;
const imageDigest = '@[a-z0-9]+:[0-9a-f]{32,128}';
/** A name with or without digest: a regular expression without anchors. */
export const imageReference = `${imageName}(${imageDigest})?`;

const source: readonly Rule[] = [
  rule({
    path: 'spec.source',
    cel: 'has(self.git) || has(self.dockerfile)',
    check: (self: { git?: unknown; dockerfile?: unknown }) =>
      self.git !== undefined || self.dockerfile !== undefined,
    problem: 'spec.source needs git or dockerfile and has neither',
    remedy: 'set git.uri to the repository, or dockerfile to the text of a Dockerfile',
    reason: 'FieldValueRequired',
  }),
  forbids({
    path: 'spec.source.git.uri',
    pattern: blank,
    problem: 'git uri has whitespace or a control character in it',
    remedy: 'write the address in one piece',
    reason: 'FieldValueForbidden',
  }),
  requires({
    path: 'spec.source.git.uri',
    pattern: `^(${gitUrl}|${gitShort})$`,
    problem:
      'git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path',
    remedy:
      'give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    reason: 'FieldValueForbidden',
  }),
  forbids({
    path: 'spec.source.git.uri',
    pattern: '^(https?|git)://[^/?#]*@|^ssh://[^/?#@]*:[^/?#]*@',
    problem: 'git uri carries credentials, and everybody who may read this object could read them',
    remedy: 'remove what stands before the @; git uses the credentials of whoever builds',
    reason: 'FieldValueForbidden',
  }),
  forbids({
    path: 'spec.source.git.ref',
    pattern: '^-',
    problem: 'git ref "{self}" starts with "-", which git would read as an option',
    remedy: 'name a branch, a tag or a commit',
  }),
  requires({
    path: 'spec.source.git.ref',
    pattern: '^[^\\x00-\\x20\\x7f~^:?*\\[\\\\]+$',
    problem: 'git ref "{self}" has a space, a control character or one of ~ ^ : ? * [ \\ in it',
    remedy: 'name a branch, a tag or a commit, as git check-ref-format allows it',
  }),
  forbids({
    path: 'spec.source.git.ref',
    pattern: '\\.\\.|@\\{|//|^/|/$|\\.$|(^|/)\\.|\\.lock(/|$)|^@$',
    problem: 'git ref "{self}" is no name that git check-ref-format allows',
    remedy:
      'leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
  }),
];

const relativePath = (path: string, field: string): readonly Rule[] => [
  forbids({
    path,
    pattern: '^/',
    problem: `${field} "{self}" is absolute`,
    remedy: 'write it relative to the source, without the leading "/"',
  }),
  forbids({
    path,
    pattern: '(^|/)\\.\\.(/|$)',
    problem: `${field} "{self}" has ".." in it, which could lead out of the source`,
    remedy: 'write the path without ".."',
  }),
  forbids({
    path,
    pattern: '[\\x00-\\x1f\\x7f\\\\]',
    problem: `${field} "{self}" has a backslash or a control character in it`,
    remedy: 'separate directories with "/"',
  }),
  forbids({
    path,
    pattern: '//|[^/]/$',
    problem: `${field} "{self}" has an empty part`,
    remedy: 'write one "/" between two parts and none at the end',
  }),
];

const images: readonly Rule[] = [
  forbids({
    path: 'spec.baseImages[].from',
    pattern: `^-|${blank}`,
    problem: 'from "{self}" cannot stand after FROM: it starts with "-" or has whitespace in it',
    remedy: 'write the one word that follows FROM in the Dockerfile, without --platform and AS',
  }),
  requires({
    path: 'spec.baseImages[].image',
    pattern: `^${imageReference}$`,
    problem: 'image "{self}" is no image reference',
    remedy:
      'write [registry/]name[:tag][@digest], the name in lower case, such as docker.io/library/debian:bookworm-slim',
  }),
  requires({
    path: 'spec.output.image',
    pattern: `^${imageName}$`,
    problem: 'image "{self}" is no name that an image can be pushed to',
    remedy:
      'write [registry/]name[:tag], the name in lower case and without a digest, such as quay.io/acme/web:1.2',
  }),
];

const objectName = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

/** The name of a Secret: a name alone, so that no other namespace can be meant. */
const secretName = (path: string): Rule =>
  requires({
    path,
    pattern: `^${objectName}$`,
    problem: '"{self}" is no name of a Secret',
    remedy: 'write its name alone, in lower case; it must be in the namespace of the EdgeBuild',
  });

const cluster: readonly Rule[] = [
  secretName('spec.source.secretRef.name'),
  secretName('spec.baseImages[].pullSecretRef.name'),
  secretName('spec.triggers.webhooks[].secretRef.name'),
  requires({
    path: 'spec.output.imageStreamTag',
    pattern: '^[a-z0-9]+([._-][a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,118}$',
    problem: 'imageStreamTag "{self}" is not stream:tag',
    remedy:
      'write the name of an ImageStream of this namespace, ":" and a tag of at most 119 characters, such as web:latest',
  }),
  rule({
    path: 'spec.deploy',
    cel: '!self.expose || has(self.port)',
    check: (self: { expose: boolean; port?: number }) => !self.expose || self.port !== undefined,
    problem: 'deploy.expose is true, and there is no port that a Route could lead to',
    remedy: 'set deploy.port to the port that the program listens on, or remove expose',
    reason: 'FieldValueRequired',
  }),
];

const values: readonly Rule[] = [
  requires({
    path: 'spec.buildArgs[].name',
    pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
    problem: 'build argument "{self}" has a name that no ARG can have',
    remedy: 'use letters, digits and underscores, and no digit first',
  }),
  nulFree('spec.buildArgs[].value', 'the value of a build argument'),
  nulFree('spec.source.dockerfile', 'dockerfile'),
  rule({
    path: 'spec.output.labels',
    cel: "self.all(key, size(key) > 0 && size(key) <= 128 && !key.startsWith('-') && !key.contains('='))",
    check: (self: object) =>
      Object.keys(self).every(
        (key) => key !== '' && Array.from(key).length <= 128 && !key.startsWith('-') && !key.includes('='),
      ),
    problem: 'the name of a label is empty, longer than 128 characters, starts with "-" or has "=" in it',
    remedy: 'name labels like org.opencontainers.image.vendor',
  }),
  rule({
    path: 'spec.output.labels',
    cel: "self.all(key, !self[key].contains('\\u0000'))",
    check: (self: Readonly<Record<string, string>>) =>
      Object.values(self).every((value) => !value.includes('\0')),
    problem: 'the value of a label has a NUL character in it',
    remedy: 'remove it',
  }),
  rule({
    path: 'spec.verify.command',
    cel: "self.size() == 0 || self[0] != ''",
    check: (self: readonly string[]) => self.length === 0 || self[0] !== '',
    problem: 'the first item of command is empty',
    remedy: 'write the program first, or leave command out',
  }),
  nulFree('spec.verify.command[]', 'an item of command'),
];

/**
 * What the schema alone cannot say of an EdgeBuild: one row a rule, grouped by subject.
 */
export const rules: readonly Rule[] = [
  ...source,
  ...relativePath('spec.source.contextDir', 'contextDir'),
  ...relativePath('spec.source.dockerfilePath', 'dockerfilePath'),
  ...images,
  ...cluster,
  ...values,
];
