import type { Reason } from '../api/conditions.ts';

/** Something that ends a build of a platform, classed. What the author can do stands beside the reason. */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
  readonly reason: Reason;
  /** The last lines that were printed before. */
  readonly output: readonly string[];

  constructor(reason: Reason, message: string, output: readonly string[] = []) {
    super(message);
    this.reason = reason;
    this.output = output;
  }
}

/** Failures that another attempt may not meet again; nothing else is worth one. */
const passing: readonly Reason[] = [
  ...([
    'EmulatorCrashed',
    'NetworkFailed',
    'RegistryUnreachable',
    'BuildPodDeleted',
    'BuilderFailed',
  ] as const),
];
export const isWorthARetry = (reason: Reason): boolean => passing.includes(reason);

/**
 * What the last lines of a failed build and its execution say about the cause. Rules are tried in order: an emulator's
 * crash is named before the failure of the step that it broke.
 *
 * Sources of the words: QEMU linux-user/signal.c, strerror(3), Go's net package, apt, curl, busybox, Node's net module, getaddrinfo(3).
 */
export const classify = (output: readonly string[], execution: 'Native' | 'Emulated'): Reason => {
  const said = (pattern: RegExp): boolean => output.some((line) => pattern.test(line));
  for (const { reason, pattern, only } of causes) {
    if ((only === undefined || only === execution) && said(pattern)) return reason;
  }
  return 'DockerfileStepFailed';
};

/** The end is what buildah says when a layer does not fit; the cause itself it keeps to itself. */
const diskFull =
  /no space left on device|disk quota exceeded|storing layer "\w+" to file: io: read\/write on closed pipe/i;

/** Whether a program's last words say that the disk is full. */
export const saysDiskFull = (output: readonly string[]): boolean =>
  output.some((line) => diskFull.test(line));

const causes: readonly {
  readonly reason: Reason;
  readonly pattern: RegExp;
  readonly only?: 'Emulated';
}[] = [
  { reason: 'DiskFull', pattern: diskFull },
  { reason: 'EmulatorCrashed', pattern: /qemu: (uncaught target signal|unhandled CPU exception|fatal)/i },
  {
    reason: 'OutOfMemory',
    pattern:
      /cannot allocate memory|out of memory|exit(ed with)? status 137|signal: killed|exited on killed/i,
  },
  {
    reason: 'EmulatorCrashed',
    pattern: /segmentation fault|illegal instruction|exit(ed with)? status 1(32|35|39)\b/i,
    only: 'Emulated',
  },
  { reason: 'ExecFormatError', pattern: /exec format error/i },
  {
    reason: 'NetworkFailed',
    pattern:
      /temporary failure (in name resolution|resolving)|name or service not known|bad address '|could(n't| not) (resolve host|connect)|no such host|network is unreachable|no route to host|(connection|operation|read) timed out|connection (refused|reset)|i\/o timeout|TLS handshake timeout|\bE(CONNRESET|CONNREFUSED|TIMEDOUT|AI_AGAIN|NOTFOUND)\b|502 +bad gateway|503 +service unavailable|504 +gateway|returned error: 50[234]\b/i,
  },
];

/**
 * What a builder adds to a program's own last words: how it ended, once for each process around it. It says how the
 * program ended and is no help beyond that.
 */
const wrapping =
  /^(subprocess exited |process exited with error|Error: (exit status \d|building at STEP .*: exit status \d+$))/;

/** The last lines of the program itself. */
export const ownWords = (output: readonly string[]): readonly string[] =>
  output.filter((line) => !wrapping.test(line));

/** How the program ended: `exit status 3`, `segmentation fault`; undefined if nothing says so. */
export const howItEnded = (output: readonly string[]): string | undefined => {
  for (const line of output) {
    const [, status, signal] = /^subprocess exited (?:with status (\d+)|on (.+))$/.exec(line) ?? [];
    if (status !== undefined) return `exit status ${status}`;
    if (signal !== undefined) return signal;
  }
  return undefined;
};
