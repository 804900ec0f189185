import { createHash } from 'node:crypto';
import type { EdgeBuildSpec } from '../../../api/edgebuild.ts';
import { type Platform, platformOf, type PlatformName } from '../../../api/platforms.ts';
import { buildPlatform, type PlatformBases } from '../bases.ts';
import {
  baseStreamName,
  buildConfigName,
  type Destination,
  labelKeys,
  labelsOf,
  limitsLabel,
  shortName,
  stagingTag,
} from '../names.ts';
import { proofScript } from '../proof.ts';
import type { BuildConfig } from '../types.ts';
import { nodeSelectorOf } from '../where.ts';

export interface BuildConfigInput {
  readonly name: string;
  readonly spec: EdgeBuildSpec;
  readonly platform: PlatformName;
  readonly execution: 'Native' | 'Emulated';
  readonly bases: PlatformBases;
  readonly destination: Destination;
  /** What each base tag means now: a new one makes another image. Undefined: it is not known. */
  readonly baseDigests: readonly string[] | undefined;
}

/**
 * The BuildConfig of one platform, in the form that the server keeps: paths cleaned, types said, so that to apply it again
 * changes nothing.
 *
 * It has no trigger of ConfigChange or ImageChange: a build is started once for each {@link labelKeys.inputs}, by the
 * operator, which no trigger knows of.
 */
export const buildConfig = (
  input: BuildConfigInput,
): BuildConfig & { readonly metadata: { readonly labels: Readonly<Record<string, string>> } } => {
  const { name, spec, platform, execution } = input;
  const made = madeOf(input);
  return {
    apiVersion: 'build.openshift.io/v1',
    kind: 'BuildConfig',
    metadata: {
      name: buildConfigName(name, platform),
      labels: {
        ...labelsOf(name),
        'app.kubernetes.io/component': 'build',
        [labelKeys.platform]: shortName(platform),
        [labelKeys.inputs]: [made, ...(input.baseDigests === undefined ? [] : [input.baseDigests])]
          .map(hashOf)
          .join('-'),
        [limitsLabel]: hashOf([spec.timeoutSeconds, spec.resources]),
      },
    },
    spec: {
      ...made,
      runPolicy: 'Serial',
      nodeSelector: nodeSelectorOf(platform, execution),
      ...(hasResources(spec) ? { resources: spec.resources } : {}),
      completionDeadlineSeconds: spec.timeoutSeconds,
      // What came of the last one is read from it.
      successfulBuildsHistoryLimit: Math.max(1, spec.history.successful),
      failedBuildsHistoryLimit: Math.max(1, spec.history.failed),
      ...(spec.triggers.webhooks.length > 0 && !spec.suspend
        ? { triggers: spec.triggers.webhooks.map(triggerOf) }
        : {}),
    } as BuildConfig['spec'],
  };
};

/** What decides which image comes out. Where it is built, and for how long at most, does not. */
const madeOf = ({ name, spec, platform, bases, destination }: BuildConfigInput) => {
  const script = proofScript(spec, platformOf(platform), bases.isFromScratch);
  const path = clean(spec.source.dockerfilePath);
  const [pullSecret] = bases.bases.flatMap((base) => base.pullSecret ?? []);
  return {
    source: sourceOf(name, spec, bases),
    strategy: {
      type: 'Docker',
      dockerStrategy: {
        ...(bases.lastTag === undefined ? {} : { from: tagOf(name, bases.lastTag) }),
        // Of the images of `source`, it is those that files are copied from by OpenShift itself that have their own.
        ...(pullSecret === undefined ? {} : { pullSecret: { name: pullSecret } }),
        ...(path === '' || spec.source.dockerfile !== undefined ? {} : { dockerfilePath: path }),
        buildArgs: buildArgs(spec, platformOf(platform)),
      },
    },
    ...(script === undefined ? {} : { postCommit: { script: kept(script) } }),
    output: {
      to: { kind: 'ImageStreamTag', name: `${destination.stream}:${stagingTag(destination, platform)}` },
      ...(labels(spec).length > 0 ? { imageLabels: labels(spec) } : {}),
    },
  };
};

const sourceOf = (name: string, { source }: EdgeBuildSpec, { bases }: PlatformBases) => {
  const contextDir = clean(source.contextDir);
  const named = bases.filter(({ texts }) => texts.length > 0);
  return {
    type: source.git === undefined ? 'Dockerfile' : 'Git',
    ...(source.git === undefined ? {} : { git: source.git }),
    ...(source.dockerfile === undefined ? {} : { dockerfile: kept(source.dockerfile) }),
    ...(source.git === undefined || contextDir === '' ? {} : { contextDir }),
    ...(source.secretRef === undefined || source.git === undefined ? {} : { sourceSecret: source.secretRef }),
    ...(named.length === 0
      ? {}
      : { images: named.map(({ texts, tag }) => ({ from: tagOf(name, tag), as: texts })) }),
  };
};

const tagOf = (name: string, tag: string) => ({
  ...{ kind: 'ImageStreamTag', name: `${baseStreamName(name)}:${tag}` },
});

/**
 * A text as it must stand in a Build to reach the builder: that gets the whole Build in an environment variable of its pod,
 * where Kubernetes takes `$$` for an escaped `$` [read in openshift-controller-manager; run].
 */
const kept = (text: string): string => text.replaceAll(/\${2,}/g, (dollars) => dollars + dollars);

/** As Go's path.Clean leaves it, which the server does to it; the schema has refused "..", "//" and what is absolute. */
const clean = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '.' && part !== '')
    .join('/');

/**
 * The arguments that Dockerfiles may declare to know where they are built and for what (Docker's reference). From OpenShift
 * 4.19 on, TARGETPLATFORM is more: the image's configuration says that platform then. So no author may give it another
 * value.
 */
const buildArgs = (spec: EdgeBuildSpec, target: Platform): readonly { name: string; value: string }[] => {
  const standard: Record<string, string> = {
    TARGETPLATFORM: target.name,
    TARGETOS: target.os,
    TARGETARCH: target.architecture,
    TARGETVARIANT: target.variant ?? '',
    BUILDPLATFORM: buildPlatform.name,
    BUILDOS: buildPlatform.os,
    BUILDARCH: buildPlatform.architecture,
  };
  const own = spec.buildArgs.filter(({ name }) => name !== 'TARGETPLATFORM');
  const overridden = new Set(own.map(({ name }) => name));
  return [
    ...Object.entries(standard)
      .filter(([name, value]) => value !== '' && !overridden.has(name))
      .map(([name, value]) => ({ name, value })),
    ...own.map(({ name, value }) => ({ name, value: kept(value) })),
  ];
};

const labels = ({ output }: EdgeBuildSpec): readonly { name: string; value: string }[] =>
  Object.entries(output.labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => ({ name, value: kept(value) }));

const hasResources = ({ resources }: EdgeBuildSpec): boolean =>
  resources.requests !== undefined || resources.limits !== undefined;

type Webhook = EdgeBuildSpec['triggers']['webhooks'][number];

const triggerOf = ({ type, secretRef }: Webhook): object => {
  const hook = { secretReference: { name: secretRef.name } };
  switch (type) {
    case 'GitHub':
      return { type, github: hook };
    case 'GitLab':
      return { type, gitlab: hook };
    case 'Bitbucket':
      return { type, bitbucket: hook };
    case 'Generic':
      return { type, generic: hook };
  }
};

/** Where a webhook of a platform is called, with `<secret>` for the secret. */
export const webhookPath = (
  namespace: string,
  name: string,
  platform: PlatformName,
  type: Webhook['type'],
): string =>
  `/apis/build.openshift.io/v1/namespaces/${namespace}/buildconfigs/${buildConfigName(name, platform)}/webhooks/<secret>/${type.toLowerCase()}`;

/** Short, and a label's value. */
const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);

/** Whether two {@link labelKeys.inputs} are of the same Dockerfile, arguments and names of bases, whatever those are now. */
export const areOfSameSpec = (one: string, other: string): boolean =>
  one.split('-')[0] === other.split('-')[0];
