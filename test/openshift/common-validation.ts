/** OpenShift's validation of what BuildConfigs and Builds share, in its own words. */
import { posix } from 'node:path';
import { type Cause, duplicateValue, invalidValue, requiredValue } from './errors.ts';
import { fromCauses, secretCauses, toCauses } from './reference-validation.ts';
import type { CommonSpec, EnvVar, ImageSource, ImageSourcePath, Source, Strategy } from './shapes.ts';

export const commonCauses = (spec: CommonSpec): readonly Cause[] => [
  ...inputCauses(spec),
  ...sourceCauses(spec.source ?? {}),
  ...deadlineCauses(spec.completionDeadlineSeconds),
  ...outputCauses(spec.output),
  ...strategyCauses(spec.strategy ?? {}),
  ...postCommitCauses(spec.postCommit),
  ...selectorCauses(spec.nodeSelector ?? {}),
];

const inputCauses = ({ strategy, source = {} }: CommonSpec): readonly Cause[] => {
  const { git, binary, dockerfile, images } = source;
  const isEmpty = [git, binary, dockerfile, images ?? undefined].every((one) => one === undefined);
  const all = 'must provide a value for at least one source input(git, binary, dockerfile, images).';
  return strategy?.dockerStrategy !== undefined && isEmpty ? [invalidValue('spec.source', '', all)] : [];
};

const maxDockerfileBytes = 60_000;

const sourceCauses = (source: Source): readonly Cause[] => {
  const { git, binary, dockerfile, contextDir, sourceSecret } = source;
  if (git !== undefined && binary !== undefined) {
    return [
      invalidValue('spec.source.git', '', 'may not be set when binary is also set'),
      invalidValue('spec.source.binary', '', 'may not be set when git is also set'),
    ];
  }
  const causes: Cause[] = [];
  if (git !== undefined && (git.uri ?? '') === '') causes.push(requiredValue('spec.source.git.uri', ''));
  if (Buffer.byteLength(dockerfile ?? '') > maxDockerfileBytes) {
    const size = `must be smaller than ${maxDockerfileBytes} bytes`;
    causes.push(invalidValue('spec.source.dockerfile', '', size));
  }
  causes.push(
    ...imagesCauses(source.images ?? []),
    ...secretCauses('spec.source.sourceSecret', sourceSecret),
  );
  if (contextDir !== undefined && posix.normalize(contextDir).startsWith('..'))
    causes.push(
      invalidValue('spec.source.contextDir', contextDir, 'context dir must not be a relative path'),
    );
  return causes;
};

const imagesCauses = (images: readonly ImageSource[]): readonly Cause[] => {
  const names = new Set<string>();
  const duplicates = images.flatMap(({ as }, index) =>
    (as ?? []).flatMap((name, at) => {
      const isKnown = name !== '' && names.has(name);
      names.add(name);
      return isKnown ? [duplicateValue(`spec.source.images[${index}].as[${at}]`, name)] : [];
    }),
  );
  return [
    ...images.flatMap((image, index) => imageCauses(`spec.source.images[${index}]`, image)),
    ...duplicates,
  ];
};

const imageCauses = (field: string, { from, as, paths, pullSecret }: ImageSource): readonly Cause[] => {
  const neither = (paths ?? []).length === 0 && (as ?? []).length === 0;
  return [
    ...fromCauses(`${field}.from`, from),
    ...secretCauses(`${field}.pullSecret`, pullSecret),
    ...(neither ? ['paths', 'as'] : []).map((one) =>
      requiredValue(`${field}.${one}`, "must specify 'paths' or 'as'"),
    ),
    ...(paths ?? []).flatMap((path, index) => pathCauses(`${field}.paths[${index}]`, path)),
    ...(as ?? []).flatMap((name, index) =>
      name === '' ? [invalidValue(`${field}.as[${index}]`, name, 'must not be empty')] : [],
    ),
  ];
};

const pathCauses = (
  field: string,
  { sourcePath = '', destinationDir = '' }: ImageSourcePath,
): readonly Cause[] => {
  const [source, destination] = [`${field}.sourcePath`, `${field}.destinationDir`];
  return [
    ...(sourcePath === '' ? [requiredValue(source, '')] : []),
    ...(destinationDir === '' ? [requiredValue(destination, '')] : []),
    ...(posix.isAbsolute(sourcePath) ? [] : [invalidValue(source, sourcePath, 'must be an absolute path')]),
    ...(posix.isAbsolute(destinationDir)
      ? [invalidValue(destination, destinationDir, 'must be a relative path')]
      : []),
    ...(posix.normalize(destinationDir).startsWith('..')
      ? [invalidValue(destination, destinationDir, "destination dir cannot start with '..'")]
      : []),
  ];
};

const strategyCauses = (strategy: Strategy): readonly Cause[] => {
  const { dockerStrategy, sourceStrategy, customStrategy, jenkinsPipelineStrategy } = strategy;
  const given = [dockerStrategy, sourceStrategy, customStrategy, jenkinsPipelineStrategy];
  if (given.filter((one) => one !== undefined).length !== 1) {
    const value = {
      ...{ DockerStrategy: dockerStrategy ?? null, SourceStrategy: sourceStrategy ?? null },
      ...{ CustomStrategy: customStrategy ?? null, JenkinsPipelineStrategy: jenkinsPipelineStrategy ?? null },
    };
    const rule =
      'must provide a value for exactly one of sourceStrategy, customStrategy, dockerStrategy, or jenkinsPipelineStrategy';
    return [invalidValue('spec.strategy', value, rule)];
  }
  if (dockerStrategy === undefined) return [];
  const field = 'spec.strategy.dockerStrategy';
  const { from, dockerfilePath, env, pullSecret } = dockerStrategy;
  return [
    ...(from === undefined ? [] : fromCauses(`${field}.from`, from)),
    ...secretCauses(`${field}.pullSecret`, pullSecret),
    ...dockerfilePathCauses(`${field}.dockerfilePath`, dockerfilePath),
    ...envCauses(`${field}.env`, env ?? []),
  ];
};

const dockerfilePathCauses = (field: string, path = ''): readonly Cause[] => {
  const clean = posix.normalize(path);
  const isOutside = posix.isAbsolute(clean) || clean === '..' || clean.startsWith('../');
  const rule = 'dockerfilePath must be a relative path within your source location';
  return isOutside ? [invalidValue(field, path, rule)] : [];
};

const environmentRule =
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', " +
  "and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', " +
  "regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";

const envCauses = (field: string, env: readonly EnvVar[]): readonly Cause[] =>
  env.flatMap(({ name }, index) => {
    const where = `${field}[${index}].name`;
    if (name === '') return [requiredValue(where, '')];
    return /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) ? [] : [invalidValue(where, name, environmentRule)];
  });

const keyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' " +
  "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const outputCauses = (output: CommonSpec['output'] = {}): readonly Cause[] => {
  const names = new Set<string>();
  const labels = output.imageLabels ?? [];
  const field = (index: number): string => `spec.output.imageLabels[${index}].name`;
  return [
    ...(output.to === undefined ? [] : toCauses('spec.output.to', output.to)),
    ...secretCauses('spec.output.pushSecret', output.pushSecret),
    ...labels.flatMap(({ name = '' }, index) => {
      if (name === '') return [requiredValue(field(index), '')];
      return /^[-._a-zA-Z0-9]+$/.test(name) ? [] : [invalidValue(field(index), name, keyRule)];
    }),
    ...labels.flatMap(({ name = '' }, index) => {
      const isKnown = names.has(name);
      names.add(name);
      return isKnown ? [invalidValue(field(index), name, 'duplicate name')] : [];
    }),
  ];
};

const postCommitCauses = ({ command, args, script = '' }: CommonSpec['postCommit'] & object = {}) =>
  (command ?? []).length > 0 && script !== ''
    ? [
        invalidValue(
          'spec.postCommit',
          { Command: command, Args: args ?? null, Script: script },
          'cannot use command and script together',
        ),
      ]
    : [];

const deadlineCauses = (seconds: number | undefined): readonly Cause[] =>
  seconds === undefined || seconds > 0
    ? []
    : [
        invalidValue(
          'spec.completionDeadlineSeconds',
          seconds,
          'completionDeadlineSeconds must be a positive integer greater than 0',
        ),
      ];

const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

const selectorCauses = (selector: Readonly<Record<string, string>>): readonly Cause[] =>
  Object.entries(selector).flatMap(([key, value]) =>
    labelKey.test(key) && labelValue.test(value)
      ? []
      : [invalidValue(`spec.nodeSelector[${key}]`, value, 'must be a valid node selector')],
  );
