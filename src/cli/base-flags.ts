import { isAbsolute, resolve } from 'node:path';
import { InputError } from '../api/errors.ts';

/** containers-transports(5): those that hold one image and that buildah can read; behind some stands a path. */
const transports = [
  { prefix: 'docker://', holdsPath: false },
  { prefix: 'oci-archive:', holdsPath: true },
  { prefix: 'oci:', holdsPath: true },
  { prefix: 'docker-archive:', holdsPath: true },
  { prefix: 'containers-storage:', holdsPath: false },
  { prefix: 'dir:', holdsPath: true },
];

/**
 * Reads every `--base TEXT=REF`: TEXT is what stands after FROM, where no `=` can be, so the first `=` divides the two;
 * REF may hold more of them. Paths are made absolute: what reads them runs elsewhere.
 *
 * @throws InputError if one is not of that form, or two say different things of one TEXT.
 */
export const parseBases = (flags: readonly string[]): ReadonlyMap<string, string> => {
  const bases = new Map<string, string>();
  for (const flag of flags) {
    const { from, reference } = parseBase(flag);
    const other = bases.get(from);
    if (other !== undefined && other !== reference)
      throw new InputError(`--base ${flag}: ${from} was given before, as ${other}`);
    bases.set(from, reference);
  }
  return bases;
};

const parseBase = (flag: string): { readonly from: string; readonly reference: string } => {
  const divider = flag.indexOf('=');
  if (divider < 1)
    throw new InputError(
      `--base ${flag}: must be TEXT=REF, TEXT being what stands after FROM: --base debian:12=oci-archive:debian.tar`,
    );
  const from = flag.slice(0, divider);
  const reference = flag.slice(divider + 1);
  const transport = transports.find(({ prefix }) => reference.startsWith(prefix));
  if (transport === undefined) {
    const prefixes = transports.map(({ prefix }) => prefix).join(', ');
    throw new InputError(`--base ${flag}: ${JSON.stringify(reference)} must begin with one of ${prefixes}`);
  }
  const { prefix, holdsPath } = transport;
  const rest = reference.slice(prefix.length);
  if (rest === '') throw new InputError(`--base ${flag}: nothing stands after ${prefix}`);
  return { from, reference: holdsPath && !isAbsolute(rest) ? `${prefix}${resolve(rest)}` : reference };
};
