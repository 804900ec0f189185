import type { Instruction } from './lines.ts';
import type { Flag } from './words.ts';

/** Something a Dockerfile uses that not every builder can do. */
export interface Need {
  /** Reads on from "needs ". */
  readonly feature: string;
  readonly line: number;
  /** The first buildah that has it; absent: none up to 1.41.0, the newest that was looked at. */
  readonly since?: string;
}

/** Versions: buildah's CHANGELOG.md, and the flags that imagebuilder's dispatchers.go of each release admits. */
const flagsSince: readonly { instruction: string; flag: string; since?: string }[] = [
  { instruction: 'RUN', flag: '--network', since: '1.30' },
  { instruction: 'RUN', flag: '--security' },
  { instruction: 'ADD', flag: '--checksum', since: '1.33' },
  { instruction: 'ADD', flag: '--exclude', since: '1.38' },
  { instruction: 'COPY', flag: '--exclude', since: '1.38' },
  { instruction: 'COPY', flag: '--parents', since: '1.40' },
  { instruction: 'ADD', flag: '--link', since: '1.41' },
  { instruction: 'COPY', flag: '--link', since: '1.41' },
];

export const heredocsSince = '1.33';
/** pkg/parse.Platform of 1.31 takes what containerd's platforms.Parse takes; 1.29 asked for os/architecture. */
export const architectureAloneSince = '1.31';

/** What the flags of an instruction need. */
export const needsOfFlags = (instruction: Instruction, flags: readonly Flag[]): Need[] =>
  flagsSince
    .filter((row) => row.instruction === instruction.keyword)
    .filter((row) => flags.some(({ text }) => text === row.flag || text.startsWith(`${row.flag}=`)))
    .map(({ flag, since }) => ({
      feature: `${instruction.keyword} ${flag}`,
      line: instruction.line,
      ...(since === undefined ? {} : { since }),
    }));
