/**
 * The base images of a Dockerfile, with the place where each one stands. Pure: no file, no registry, no builder.
 *
 * Language: docs.docker.com/reference/dockerfile, and where that leaves room, buildah: it is what builds here.
 * Seen with Debian 12's buildah 1.28.2, `--isolation chroot --pull-never --platform linux/arm64` on amd64 [run]:
 *
 * - Stages the last one does not need are not built and their bases not asked for. A stage counts as needed only where it
 *   is named as it is written: one named by a variable, in another case, or by number in --mount is left out, and then
 *   asked for as an image (hence `needs`; 1.41.0 reads the same).
 * - `COPY --from=$X` and `RUN --mount=from=$X` see the stage's ARGs; its ENV alone is not enough, and one of the same name
 *   with another value makes the build fail (BuildKit sees neither).
 * - `COPY --from=image` and `--mount=from=image` ask for the platform of the stage that they stand in (BuildKit: the
 *   target's).
 * - `FROM --platform=` also holds for every later stage without one (mended in 1.40); an image named by its id is taken
 *   whatever its platform. `$BUILDPLATFORM` in FROM is empty unless passed as a build argument; `$TARGETARCH` in an
 *   image's name also unless declared. Neither touches a caller that replaces every base by the id of an image it has
 *   checked (`withBases`) and passes the automatic arguments.
 * - `FROM 0` is stage 0 if that has no name. `COPY --from=7` without a stage 7 is a Go panic.
 * - ONBUILD runs in the builds that start from the image: its `--from` is not asked for.
 */
import { DockerfileError } from './dockerfile/error.ts';
import { architectureAloneSince, heredocsSince, needsOfFlags, type Need } from './dockerfile/features.ts';
import { readLines, shown, type Instruction, type Lines } from './dockerfile/lines.ts';
import { normalizePlatform } from './dockerfile/platform.ts';
import { fileReferences, triggerOf, type From } from './dockerfile/references.ts';
import { resolver } from './dockerfile/resolve.ts';
import { globalScope, stageScope, type Scope } from './dockerfile/scope.ts';
import { cutStages, indexNames, reachable } from './dockerfile/stages.ts';
import type { DockerfileOptions, DockerfileReading } from './dockerfile/types.ts';
import { expand, readFlags } from './dockerfile/words.ts';

export { DockerfileError } from './dockerfile/error.ts';
export { withBases } from './dockerfile/replace.ts';
export { stepLines } from './dockerfile/steps.ts';
export type { BaseImage, DockerfileOptions, DockerfileReading } from './dockerfile/types.ts';

/** A FROM's own `--platform`, normalised, and what it needs; undefined without one. Throws DockerfileError. */
const ownPlatform = (from: From, line: number, global: Scope, escape: string) => {
  if (from.platform === undefined) return undefined;
  const value = expand(from.platform, global.lookup, escape);
  const platform = typeof value === 'string' ? normalizePlatform(value) : undefined;
  if (typeof value === 'string' && platform !== undefined) {
    const feature = `FROM --platform with an architecture alone, ${shown(value)}`;
    return { platform, needs: value.includes('/') ? [] : [{ feature, line, since: architectureAloneSince }] };
  }
  const what = `--platform=${from.platform}`;
  if (typeof value !== 'string') {
    throw new DockerfileError(
      line,
      `FROM ${shown(what)} cannot be resolved: ${value.problem}; ${global.remedy}`,
    );
  }
  throw new DockerfileError(
    line,
    `FROM ${shown(what)}: ${shown(value)} is no platform; write it as in linux/arm64`,
  );
};

/** What the lines alone need of a builder. */
const needsOfLines = ({ lateEscape, instructions }: Lines): Need[] => [
  ...lateEscape.map((line) => ({ feature: '# escape= after another directive', line })),
  ...instructions
    .filter(({ heredocs }) => heredocs.length > 0)
    .map(({ line }) => ({ feature: 'heredocs', line, since: heredocsSince })),
];

/** Reads a Dockerfile. Linear in the text. Throws DockerfileError. */
export const readDockerfile = (text: string, options: DockerfileOptions): DockerfileReading => {
  const lines = readLines(text);
  const { before, stages } = cutStages(lines.instructions);
  const { images, needs, resolve } = resolver(lines, stages, indexNames(stages));
  const global = globalScope(options, lines.escape);
  before.forEach(global.declare);

  const platforms: string[] = [];
  /** Stage -> line of an ONBUILD in it that names a stage or an image. */
  const triggers = new Map<number, number>();

  const readOnbuild = (instruction: Instruction, index: number): void => {
    const trigger = triggerOf(instruction);
    const { flags } = readFlags(trigger.text, trigger.argumentsAt);
    needs.push(...needsOfFlags(trigger, flags));
    if (fileReferences(trigger, flags).length > 0) triggers.set(index, instruction.line);
  };

  const drafts = stages.map((stage) => {
    const { index, line, from } = stage;
    const own = ownPlatform(from, line, global, lines.escape);
    needs.push(...(own?.needs ?? []));
    const base = resolve(from.base, stage, global, own?.platform ?? options.platform.name);
    const parent = typeof base === 'object' && 'stage' in base ? base.stage : undefined;
    const platform = own?.platform ?? platforms[parent ?? -1] ?? options.platform.name;
    platforms.push(platform);
    const trigger = triggers.get(parent ?? -1);
    if (trigger !== undefined) {
      // Docker would run it in this stage, its from= looked up here. Nobody does that: better refused than guessed.
      throw new DockerfileError(
        trigger,
        `ONBUILD with from= in a stage that line ${line} starts from; write it there, without ONBUILD`,
      );
    }

    const scope = stageScope(global, options.buildArgs, lines.escape);
    for (const instruction of stage.instructions) {
      if (instruction.keyword === 'ARG') scope.declare(instruction);
      if (instruction.keyword === 'ENV') scope.setEnvironment(instruction);
      if (instruction.keyword === 'ONBUILD') readOnbuild(instruction, index);
      const { flags } = readFlags(instruction.text, instruction.argumentsAt);
      needs.push(...needsOfFlags(instruction, flags));
      for (const reference of fileReferences(instruction, flags)) resolve(reference, stage, scope, platform);
    }
    return { index, ...(from.name === undefined ? {} : { name: from.name }), base, line };
  });

  const used = reachable(stages);
  for (const image of images) image.used = used.has(image.stage.index);
  return {
    stages: drafts.map((draft) => ({ ...draft, used: used.has(draft.index) })),
    bases: images,
    heredocs: lines.instructions.filter(({ heredocs }) => heredocs.length > 0).map(({ line }) => ({ line })),
    needs: [...needsOfLines(lines), ...needs].toSorted((one, other) => one.line - other.line),
  };
};
