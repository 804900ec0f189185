import { InputError } from '../api/errors.ts';
import { rules } from '../api/rules.ts';
import type { EdgeBuild } from '../api/edgebuild.ts';
import type { Destination } from '../edgebuild/local.ts';

/** `--to` and `--push`, as given. */
export interface DestinationFlags {
  readonly to?: string;
  readonly push?: boolean;
}

/** Longest first where one begins another's text. */
const forms = [
  { transport: 'oci-archive', prefix: 'oci-archive:' },
  { transport: 'oci', prefix: 'oci:' },
  { transport: 'docker-archive', prefix: 'docker-archive:' },
  { transport: 'docker', prefix: 'docker://' },
] as const;

const allowed = 'oci-archive:PATH, oci:DIR, docker-archive:PATH or docker://REF';

/**
 * Reads `--to`.
 *
 * A path holds no colon: in containers-transports(5) what follows one is a tag, and `podman load` of such a file fails.
 *
 * @throws InputError if it is none of the four.
 */
export const parseDestination = (text: string): Destination => {
  const form = forms.find(({ prefix }) => text.startsWith(prefix));
  if (form === undefined) throw new InputError(`--to ${text}: must be ${allowed}`);
  const target = text.slice(form.prefix.length);
  if (target === '') throw new InputError(`--to ${text}: nothing stands after ${form.prefix}`);
  if (form.transport === 'docker') refuseBadName(text, target);
  if (form.transport !== 'docker' && target.includes(':'))
    throw new InputError(
      `--to ${text}: the path must not hold a colon: rename the file; tags are set where it is loaded`,
    );
  return { transport: form.transport, target };
};

/** A name to push to obeys the same rules, in the same words, as `spec.output.image`. */
const refuseBadName = (text: string, target: string): void => {
  const broken = rules.find((rule) => rule.path === 'spec.output.image' && !rule.check(target));
  if (broken === undefined) return;
  throw new InputError(`--to ${text}: ${broken.problem.replace('{self}', () => target)}: ${broken.remedy}`);
};

/** The destination as `--to` spells it. */
export const destinationText = ({ transport, target }: Destination): string =>
  transport === 'docker' ? `docker://${target}` : `${transport}:${target}`;

/**
 * Where the image of one object goes: `--to`, else `spec.output.image` with `--push`, else `./<name>.oci.tar`.
 *
 * @throws InputError if the flags and the object do not fit.
 */
export const destinationOf = (edgeBuild: EdgeBuild, flags: DestinationFlags): Destination => {
  const { name } = edgeBuild.metadata;
  const destination = chosen(edgeBuild, flags);
  const { platforms } = edgeBuild.spec;
  if (destination.transport === 'docker-archive' && platforms.length > 1)
    throw new InputError(
      `--to ${destinationText(destination)}: a docker-archive holds one platform, and ${name} is built for ${platforms.join(', ')}: use oci-archive:PATH, or one --platform`,
    );
  return destination;
};

const chosen = ({ metadata, spec }: EdgeBuild, flags: DestinationFlags): Destination => {
  if (flags.to !== undefined) return parseDestination(flags.to);
  if (flags.push !== true) return { transport: 'oci-archive', target: `./${metadata.name}.oci.tar` };
  if (spec.output.image === undefined)
    throw new InputError(
      `--push: ${metadata.name} does not say where to: set spec.output.image, or use --to docker://REF`,
    );
  return { transport: 'docker', target: spec.output.image };
};

/** @throws InputError if two objects would be written to one place, where the second would replace the first. */
export const refuseSharedDestinations = (
  builds: readonly { readonly edgeBuild: EdgeBuild; readonly destination: Destination }[],
): void => {
  const owners = new Map<string, string>();
  for (const { edgeBuild, destination } of builds) {
    const place = destinationText(destination);
    const { name } = edgeBuild.metadata;
    const owner = owners.get(place);
    if (owner !== undefined)
      throw new InputError(
        `${owner} and ${name} would both be written to ${place}: build them one at a time, each with its own --to`,
      );
    owners.set(place, name);
  }
};
