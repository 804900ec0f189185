/** What Debian's buildah and skopeo say, in the words of the newer ones that are in OpenShift's builder (buildah 1.39). */

/** One line of ours may be several of theirs; none where they say nothing. */
export const inNewWords = (line: string): readonly string[] => {
  if (line === 'Storing signatures') return [];
  return line.split(/(?<=.)(?=process exited with error|subprocess exited)/);
};

export const errorInNewWords = (text: string): string =>
  text
    .replace(/manifest unknown: manifest unknown$/, 'manifest unknown')
    .replace(
      /for architecture (\w+), variant (".*"), OS (\w+)$/,
      'for architecture "$1", variant $2, OS "$3"',
    );
