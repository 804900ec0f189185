/** The images that a Dockerfile names, by their raw text, as OpenShift's builder finds and replaces them. */
import { copiesFrom, fromOf, type Instruction, withCopyFrom, withFrom } from './instructions.ts';

/** Replaces image names in FROM and COPY --from; what names an earlier stage stays. `undefined` changes nothing. */
export const replaceImages = (
  instructions: readonly Instruction[],
  replacement: (image: string) => string | undefined,
): readonly Instruction[] => {
  const stages = new Set<string>();
  let index = -1;
  return instructions.map((instruction) => {
    if (instruction.keyword === 'FROM') {
      const { image, alias } = fromOf(instruction);
      const found = stages.has(image) ? undefined : replacement(image);
      index++;
      stages.add(String(index));
      if (alias !== undefined) stages.add(alias);
      return found === undefined ? instruction : withFrom(instruction, { image: found, alias });
    }
    const source = copiesFrom(instruction);
    const found = source === undefined || stages.has(source) ? undefined : replacement(source);
    return found === undefined ? instruction : withCopyFrom(instruction, found);
  });
};

/** All images, each once, in the order in which they are pulled: by name. */
export const imagesOf = (instructions: readonly Instruction[]): readonly string[] => {
  const images = new Set<string>();
  replaceImages(instructions, (image) => {
    images.add(image);
    return undefined;
  });
  images.delete('scratch');
  return [...images].toSorted();
};

/** Arguments declared before the first FROM, in FROM: `$X`, `${X}`, `${X:-default}`. */
export const withArguments = (
  instructions: readonly Instruction[],
  given: Readonly<Record<string, string>>,
): readonly Instruction[] => {
  const values = new Map<string, string>();
  let heading = true;
  return instructions.map((instruction) => {
    if (instruction.keyword === 'ARG' && heading) {
      const [, name = '', value] = /^([^=\s]+)(?:=["']?(.*?)["']?)?$/.exec(instruction.rest) ?? [];
      const known = given[name] ?? value;
      if (known !== undefined) values.set(name, known);
    }
    if (instruction.keyword !== 'FROM') return instruction;
    heading = false;
    const rest = instruction.rest.replaceAll(
      /\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})/g,
      (text, bare: string | undefined, braced: string | undefined, otherwise: string | undefined) =>
        values.get(bare ?? braced ?? '') ?? otherwise ?? text,
    );
    return { ...instruction, rest };
  });
};
