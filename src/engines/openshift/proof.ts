import type { EdgeBuildSpec } from '../../api/edgebuild.ts';
import type { Platform } from '../../api/platforms.ts';

/** Lines that the proof prints when it fails: no line of a Dockerfile that is shown in a log begins so. */
const proofFailed = 'edgebuild: uname -m in the image says';
const commandFailed = 'edgebuild: verify.command failed with status';

/**
 * What is run in the built image before it is pushed, as `postCommit.script`; undefined: nothing.
 *
 * OpenShift writes it into a throw-away stage as RUN /bin/sh -ic '…' [builder, recordings]: so it is one line, without a
 * single quote, and the image needs a shell. An image that starts from nothing may have none: nothing is run there
 * unless the author names a command.
 */
export const proofScript = (
  { verify }: EdgeBuildSpec,
  platform: Platform,
  isFromScratch: boolean,
): string | undefined => {
  const isAsked = verify.architecture === 'Strict' && !isFromScratch;
  const parts = [
    ...(isAsked ? [unameScript(platform)] : []),
    ...(verify.command === undefined ? [] : [commandScript(verify.command)]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
};

/** An x86_64 kernel says of itself what it is to a 386 program, too. */
const answers = ({ name, machines }: Platform): readonly string[] =>
  name === 'linux/386' ? [...machines, 'x86_64'] : machines;

/** An interactive busybox greets on standard output in each subshell: what counts stands at the end. */
const unameScript = (platform: Platform): string => {
  const patterns = answers(platform).map((answer) => `*${answer}`);
  return `machine=$(uname -m); case "$machine" in ${patterns.join('|')}) ;; *) echo "${proofFailed} $machine, not ${answers(platform).join(' or ')}"; exit 1;; esac`;
};

/** Each argument stays one argument, whatever is in it. */
const commandScript = (command: readonly string[]): string =>
  `${special('q', '\\047')}; ${special('n', '\\012')}; set -- ${command.map(quoted).join(' ')}; "$@" || { echo "${commandFailed} $?"; exit 1; }`;

/** A variable that holds a character which can stand neither in single quotes nor in one line: the last that printf says. */
const special = (name: string, escape: string): string =>
  `${name}=$(printf "${escape}x"); ${name}=\${${name}%x}; ${name}=\${${name}#"\${${name}%?}"}`;

const quoted = (argument: string): string =>
  `"${argument
    .replaceAll(/[\\"$`]/g, '\\$&')
    .replaceAll("'", '${q}')
    .replaceAll('\n', '${n}')}"`;

/** What the last lines of a failed build say of the proof; undefined: it is not what failed. */
export const proofFailure = (lines: readonly string[]): 'ProofFailed' | 'SmokeCommandFailed' | undefined => {
  if (lines.some((line) => line.startsWith(commandFailed))) return 'SmokeCommandFailed';
  if (lines.some((line) => line.startsWith(proofFailed))) return 'ProofFailed';
  // The step itself could not be run: there is no shell in the image, or it is of another architecture. Of a long line
  // OpenShift keeps the first 58 characters.
  return lines.some((line) =>
    /^error: build error: building at STEP "RUN \/bin\/sh -ic '(mac|q=\$)/.test(line),
  )
    ? 'ProofFailed'
    : undefined;
};
