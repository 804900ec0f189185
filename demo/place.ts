import { join } from 'node:path';
import type { Platform } from '../src/api/platforms.ts';
import { builderOf } from '../src/engines/local/buildah.ts';
import type { Run, Workspace } from '../src/engines/local/workspace.ts';

/** Where the demo works, and for what. */
export interface Place {
  readonly workspace: Workspace;
  readonly run: Run;
  readonly platform: Platform;
}

/** Whom the work obeys and tells. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** buildah with a storage that goes with the run: nothing here is worth keeping for the next one. */
export const buildahOf = ({
  workspace,
  run,
  platform,
}: Place): {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
} => ({
  command: ['buildah', `--root=${workspace.inside(join(run.made, 'storage'))}`, '--runroot=/tmp/run/storage'],
  environment: builderOf(platform, workspace, run).environment,
});
