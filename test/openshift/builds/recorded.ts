/** Builds as a real OpenShift had them, and what of a Build can be compared with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Build, BuildSpec } from './kinds.ts';

export const recorded = (name: string): Build =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../recordings', name), 'utf8')) as Build;

/** The images that recorded Builds start from: each stands for one of ours. */
export const bases = {
  arm: /^127\.0\.0\.1:5000\/ext\/(debian-arm64|multi)@sha256:eeef/,
  index: /^127\.0\.0\.1:5000\/ext\/multi@sha256:1fff/,
};

/** What is asked for in a recorded Build, with images of ours and without the secret of another namespace. */
export const specOf = ({ spec }: Build, ours: Readonly<Record<keyof typeof bases, string>>): Partial<BuildSpec> => {
  const { source, postCommit = {}, output, strategy } = spec;
  const { dockerStrategy = {} } = strategy;
  const name = dockerStrategy.from?.name ?? '';
  const [known] = (['arm', 'index'] as const).filter((base) => bases[base].test(name));
  const from = { kind: 'DockerImage', name: known === undefined ? name : ours[known] };
  const { pushSecret: _theirs, ...rest } = output;
  return { source, postCommit, output: rest, strategy: { type: 'Docker', dockerStrategy: { ...dockerStrategy, from } } };
}; // prettier-ignore

/** A line that was cut says only how it begins: older programs end it with fewer words. */
const comparable = (line: string): string =>
  line
    .replace(/^(.{58})\.\.\..{59}$/s, '$1…')
    .replaceAll(/sha256:[0-9a-f]+/g, 'sha256:…')
    .replaceAll(/127\.0\.0\.1:5000\/\S+/g, 'IMAGE')
    .replace(/^time="[^"]+"/, 'time="…"');

/** Everything of a status but times, digests, and names of images. */
export const shapeOf = ({ status, metadata }: Build) => {
  const { conditions = [], stages = [], logSnippet = '', duration, output } = status ?? {};
  return {
    ...{ phase: status?.phase, reason: status?.reason, message: status?.message },
    fields: Object.keys(status ?? {}).toSorted(),
    conditions: conditions.map(({ type, status: is, reason, message }) => [type, is, reason, message]),
    stages: stages.map(({ name, steps }) => [name, ...steps.map((step) => step.name)]),
    logSnippet: logSnippet.split('\n').map(comparable),
    digest: output?.to?.imageDigest?.replace(/[0-9a-f]{64}$/, '…'),
    duration: duration === undefined ? undefined : duration % 1_000_000_000,
    generation: metadata.generation,
    labels: Object.keys(metadata.labels ?? {}).toSorted(),
    annotations: Object.keys(metadata.annotations ?? {}).toSorted(),
  };
};
