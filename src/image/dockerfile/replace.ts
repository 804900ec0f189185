import { DockerfileError } from './error.ts';
import { shown } from './lines.ts';
import type { BaseImage, DockerfileReading } from './types.ts';

/**
 * What can stand in FROM, --from= and --mount=from= alike and mean itself: no blank or comma that would end it there,
 * nothing that is a quote, a variable or an escape, no `=` (buildah splits `--from=` at every one).
 */
const standable = /^(?!--)[^\s\p{C}"'$\\`,=#<>]+$/u;

const checked = (base: BaseImage, replacement: string, taken: ReadonlySet<string>): string => {
  if (!standable.test(replacement)) {
    throw new DockerfileError(
      base.line,
      `${shown(replacement)} cannot stand in a Dockerfile for ${shown(base.text)}; name the image without special characters`,
    );
  }
  if (taken.has(replacement.toLowerCase()) || /^\d+$/.test(replacement)) {
    throw new DockerfileError(
      base.line,
      `${shown(replacement)} for ${shown(base.text)} would mean a stage; name the image in full`,
    );
  }
  return replacement;
};

/**
 * The text that was read, with image references replaced in place: where `replacement` answers undefined, nothing changes;
 * else its answer stands there instead of the raw reference, variables and all. No line moves and nothing else changes.
 *
 * A reference that goes over a line break keeps the break: its characters go, and the new name stands where its last part
 * was. (In the first part's place, the last line would be left empty, and an empty line does not end an instruction.)
 *
 * Throws DockerfileError if an answer cannot stand in a Dockerfile, or would mean a stage.
 */
export const withBases = (
  text: string,
  reading: DockerfileReading,
  replacement: (base: BaseImage) => string | undefined,
): string => {
  const taken = new Set([
    'scratch',
    ...reading.stages.flatMap(({ name }) => (name === undefined ? [] : [name.toLowerCase()])),
  ]);
  const out: string[] = [];
  let copied = 0;
  for (const base of reading.bases) {
    const answer = replacement(base);
    if (answer === undefined) continue;
    const name = checked(base, answer, taken);
    for (const [index, { start, end }] of base.pieces.entries()) {
      out.push(text.slice(copied, start), index === base.pieces.length - 1 ? name : '');
      copied = end;
    }
  }
  out.push(text.slice(copied));
  return out.join('');
};
