import type { Platform } from '../../api/platforms.ts';
import type { Need } from './features.ts';
import type { Piece } from './lines.ts';
import type { Use } from './references.ts';

export interface DockerfileOptions {
  /** `spec.buildArgs`: they reach only what the Dockerfile declares by ARG, and the TARGET* and BUILD* arguments. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** TARGET*. */
  readonly platform: Platform;
  /** BUILD*. */
  readonly buildPlatform: Platform;
}

export interface BaseImage {
  /** What stands there after substitution, e.g. `debian:bookworm-slim`. Not checked to be an image's name. */
  readonly text: string;
  readonly use: Use;
  /** `os/architecture[/variant]`: the stage's `--platform`, else that of the stage it starts from, else the target. */
  readonly platform: string;
  readonly stage: { readonly index: number; readonly name?: string };
  /** 1-based: where the reference begins. */
  readonly line: number;
  /** Offsets (UTF-16 units) of the raw reference in the text. */
  readonly range: Piece;
  /** The reference's own characters in `range`, in order: several pieces when quotes or a line break are among them. */
  readonly pieces: readonly Piece[];
  /** Whether the last stage needs it. */
  readonly used: boolean;
}

interface Stage {
  readonly index: number;
  /** As written; compared without regard to case. */
  readonly name?: string;
  readonly base: 'scratch' | { readonly stage: number } | { readonly image: BaseImage };
  /** 1-based: its FROM. */
  readonly line: number;
  readonly used: boolean;
}

export interface DockerfileReading {
  readonly stages: readonly Stage[];
  /** In the order of the text, the unused ones too. `COPY --from=scratch` is none. */
  readonly bases: readonly BaseImage[];
  /** The instructions that have heredocs. */
  readonly heredocs: readonly { readonly line: number }[];
  /** What not every builder can do, heredocs included, by line. */
  readonly needs: readonly Need[];
}
