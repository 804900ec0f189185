import type { Config } from '../config.ts';
import { buildOnThisMachine, pruneCache, type LocalBuildOutcome } from '../edgebuild/local.ts';
import { readRequests, type BuildFlags, type BuildRequest } from './build-request.ts';
import { destinationText } from './destination.ts';
import { exits, type Exit } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { listOf, objectText } from './objects.ts';
import { failureLines, summaryTable, whatNext } from './summary.ts';
import type { Terminal } from './terminal.ts';
import { byteSize } from './units.ts';
import { watchOn } from './watch.ts';

/** `edgebuild build`. */
export const build = async (flags: BuildFlags, config: Config, terminal: Terminal): Promise<Exit> => {
  if (flags.prune === true) return prune(config, terminal);
  const requests = await readRequests(flags, terminal.tell);
  const outcomes: LocalBuildOutcome[] = [];
  const watch = watchOn(terminal);
  return interruptible(watch.tell, async (signal) => {
    try {
      // An interruption ends the builds after it at once, as Cancelled: each object gets its status.
      for (const request of requests) {
        watch.tell(beginning(request));
        const outcome = await watch.show((report) =>
          buildOnThisMachine({ ...request, signal, report, ...locationsOf(config) }),
        );
        outcomes.push(outcome);
        tellOutcome(request, outcome, flags, terminal);
      }
    } finally {
      printObjects(outcomes, { asked: requests.length, format: flags.output }, terminal);
    }
    return exitOf(outcomes, signal);
  });
};

const locationsOf = ({
  cacheDirectory,
  environment,
}: Config): Pick<Config, 'cacheDirectory' | 'environment'> => ({
  cacheDirectory,
  environment,
});

const prune = async (config: Config, terminal: Terminal): Promise<Exit> => {
  const { freedBytes } = await pruneCache(locationsOf(config));
  terminal.result(`freed ${byteSize(freedBytes)} in ${config.cacheDirectory}`);
  return exits.done;
};

const beginning = ({ edgeBuild: { metadata, spec }, destination }: BuildRequest): string =>
  `building ${metadata.name} for ${spec.platforms.join(', ')}: ${destinationText(destination)}`;

/** What became of one build, for a person. */
const tellOutcome = (
  request: BuildRequest,
  outcome: LocalBuildOutcome,
  flags: BuildFlags,
  terminal: Terminal,
): void => {
  const failures = failureLines(outcome);
  if (failures.length > 0) terminal.tell(failures.join('\n'));
  if (flags.output !== 'text') return;
  terminal.result(summaryTable(outcome.platforms).join('\n'));
  if (outcome.edgeBuild.status?.image !== undefined)
    terminal.result(whatNext(request.destination).join('\n'));
};

/** For programs: every object that has a status by now, after failures too; its shape depends only on what was asked. */
const printObjects = (
  outcomes: readonly LocalBuildOutcome[],
  { asked, format }: { readonly asked: number; readonly format: BuildFlags['output'] },
  terminal: Terminal,
): void => {
  const objects = outcomes.map((outcome) => outcome.edgeBuild);
  if (format === 'text' || objects.length === 0) return;
  terminal.result(objectText(asked === 1 ? objects[0] : listOf(objects), format));
};

/** An interruption that came after everything was done changed nothing. */
const exitOf = (outcomes: readonly LocalBuildOutcome[], signal: AbortSignal): Exit => {
  if (outcomes.every((outcome) => outcome.ready)) return exits.done;
  return signal.aborted ? exits.interrupted : exits.failed;
};
