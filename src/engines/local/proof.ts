import type { Platform } from '../../api/platforms.ts';
import { follow, surroundingsOf } from '../../image/program.ts';
import { openImages } from '../../image/open.ts';
import { surveyImage } from '../../image/survey.ts';
import { judge, type VerificationReport } from '../../image/verify.ts';
import { BuildFailure, classify, howItEnded, ownWords } from '../failure.ts';
import { tail } from './lines.ts';
import { type BuiltPlatform, type PlatformBuild, runLocked } from './platform-build.ts';

/** What an image was shown to be. */
export interface ProvenImage {
  readonly layout: string;
  readonly digest: string;
  /** Bytes of all layers as stored. */
  readonly size: number;
  /** Read from its programs, else from its configuration. */
  readonly architecture: string;
  /** For people: what `uname -m` answered, or why nothing did; absent if verification was skipped. */
  readonly proof?: string;
}

/**
 * Reads the image, then runs it: its files must be of the platform, `uname -m` in it must answer so, and
 * `spec.verify.command` must succeed, as the image's user, in its directory, with its environment.
 *
 * @throws BuildFailure with reason VerificationFailed, ProofFailed, SmokeCommandFailed, or a class of failure.
 */
export const proveImage = async (build: PlatformBuild, built: BuiltPlatform): Promise<ProvenImage> => {
  const source = await openImages(`oci:${built.layout}:image`, { signal: build.signal });
  try {
    const image = await source.select(build.platform);
    const { config, digest, size } = image;
    if (build.spec.verify.architecture === 'Skip') {
      await smoke(build, built);
      return { layout: built.layout, digest, size, architecture: config.architecture };
    }
    build.report({ kind: 'activity', platform: build.platform.name, text: 'verifying the image' });
    const survey = await surveyImage(image, { signal: build.signal });
    const report = judge(survey, image, build.platform);
    if (!report.passed) throw new BuildFailure('VerificationFailed', report.message, failures(report));
    const hasUname = follow(surroundingsOf(survey.root, config), 'uname').failure === undefined;
    const proof = hasUname ? await unameProof(build, built, build.platform) : 'no uname in the image';
    await smoke(build, built);
    const architecture = report.architecture ?? config.architecture;
    return { layout: built.layout, digest, size, architecture, proof };
  } finally {
    await source.close();
  }
};

const failures = (report: VerificationReport): string[] =>
  report.checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`);

/** Runs a command in a container of the image that lives no longer than the command. */
const runInImage = async (
  build: PlatformBuild,
  built: BuiltPlatform,
  command: readonly string[],
): Promise<{ status: number; output: readonly string[] }> => {
  const output = tail(20);
  const script = `
buildah() { command "$program" "$root" "$state" "$@"; }
program=$1 root=$2 state=$3 image=$4; shift 4
container=$(buildah from --pull-never "$image") || exit 125
buildah run "$container" -- "$@"
status=$?
buildah rm "$container" >/dev/null
exit $status`;
  const given = [...built.builder.buildah(), built.imageId, ...command];
  const status = await runLocked(
    build,
    built.builder,
    ['sh', '-c', script, 'sh', ...given],
    build.dockerfile.emulated,
    output.add,
  );
  return { status, output: output.lines() };
};

const unameProof = async (
  build: PlatformBuild,
  built: BuiltPlatform,
  platform: Platform,
): Promise<string> => {
  build.report({ kind: 'activity', platform: platform.name, text: 'asking the image for uname -m' });
  const { status, output } = await runInImage(build, built, ['uname', '-m']);
  const answer = output.find((line) => platform.machines.includes(line.trim()))?.trim();
  if (status === 0 && answer !== undefined) return `uname -m: ${answer}`;
  const reason = classify(output, build.execution);
  throw new BuildFailure(
    reason === 'DockerfileStepFailed' ? 'ProofFailed' : reason,
    `uname -m in the image answered ${ownWords(output).at(-1) ?? 'nothing'} (status ${status}), not ${platform.machines.join(' or ')}`,
    output,
  );
};

const smoke = async (build: PlatformBuild, built: BuiltPlatform): Promise<void> => {
  const command = build.spec.verify.command;
  if (command === undefined) return;
  build.report({
    kind: 'activity',
    platform: build.platform.name,
    text: `running ${command.join(' ')}`,
  });
  const { status, output } = await runInImage(build, built, command);
  if (status === 0) return;
  const reason = classify(output, build.execution);
  throw new BuildFailure(
    reason === 'DockerfileStepFailed' ? 'SmokeCommandFailed' : reason,
    `verify.command (${command.join(' ')}) failed: ${howItEnded(output) ?? `status ${status}`}`,
    ownWords(output),
  );
};
