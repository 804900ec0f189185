import { Command, InvalidArgumentError, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { readConfig } from '../config.ts';
import type { RunFlags } from '../run-config.ts';
import type { BuildFlags } from './build-request.ts';
import { renderCommand, statusCommand } from './cluster-words.ts';
import { endingOf, exitCodes, exits, type Exit } from './exit.ts';
import type { RenderFlags } from './render.ts';
import type { StatusFlags } from './status.ts';
import { outliveReaders, terminalOf, type Terminal } from './terminal.ts';
import type { VerifyFlags } from './verify.ts';

/**
 * Reads the command line and does what it says. All words of it stand in this file and in cluster-words.ts; what a command does stands in the
 * file of its name, loaded only when it is used, so that `edgebuild --help` is quick.
 *
 * @param argv as `process.argv`.
 */
export const run = async (argv: readonly string[]): Promise<Exit> => {
  outliveReaders();
  const config = readConfig();
  const terminal = terminalOf(config);
  let exit: Exit = exits.done;

  const program = programOf();
  buildCommand(program).action(async (flags: BuildFlags) => {
    const { build } = await import('./build.ts');
    exit = await build(flags, config, terminal);
  });
  verifyCommand(program).action(async (image: string, flags: VerifyFlags) => {
    const { verify } = await import('./verify.ts');
    exit = await verify(image, flags, config, terminal);
  });
  renderCommand(program).action(async (flags: RenderFlags) => {
    const { render } = await import('./render.ts');
    exit = await render(flags, terminal);
  });
  statusCommand(program).action(async (name: string | undefined, flags: StatusFlags) => {
    const { status } = await import('./status.ts');
    exit = await status(name, flags, terminal);
  });
  runCommand(program).action(async (flags: RunFlags) => {
    const { run: runOperator } = await import('./run.ts');
    exit = await runOperator(flags, packageJson.version);
  });
  crdsCommand(program).action(async () => {
    const { crds } = await import('./crds.ts');
    crds(terminal);
  });

  try {
    await program.parseAsync(argv);
    return exit;
  } catch (error) {
    return endWith(error, terminal);
  }
};

const endWith = (error: unknown, terminal: Terminal): Exit => {
  const { exit, text } = endingOf(error);
  if (text !== '') terminal.tell(text);
  return exit;
};

const programOf = (): Command =>
  new Command('edgebuild')
    .description('Container images for edge devices, ARM64 first: built on the machine you have, and proven.')
    .version(packageJson.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showHelpAfterError('(edgebuild --help lists commands and flags)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  edgebuild build -f app.yaml
  edgebuild verify oci-archive:app.oci.tar --platform linux/arm64
  edgebuild status app --watch

edgebuild COMMAND --help says more.
${exitCodes}`,
    );

/** For a flag that may stand several times. */
const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [...earlier, value];

const wholeNumber = (value: string): number => {
  if (!/^[1-9][0-9]{0,5}$/.test(value))
    throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(value);
};

const buildCommand = (program: Command): Command =>
  program
    .command('build')
    .usage('-f FILE [options]')
    .summary('build an EdgeBuild on this machine')
    .description(
      'Builds every EdgeBuild of FILE on this machine, proves each image, and writes it. Other objects in FILE are named and skipped.',
    )
    .option('-f, --file <file>', 'YAML or JSON file with EdgeBuild objects; - reads standard input')
    .option(
      '--to <destination>',
      'oci-archive:PATH, oci:DIR, docker-archive:PATH or docker://REF (default: oci-archive:./NAME.oci.tar)',
    )
    .addOption(new Option('--push', 'send the image to spec.output.image').conflicts('to'))
    .option(
      '--base <text=ref>',
      'use image REF for FROM TEXT, REF such as oci-archive:debian.tar; may be repeated',
      collect,
    )
    .option('--context <dir>', 'build this directory instead of spec.source.git')
    .option(
      '--platform <platform>',
      'build this platform instead of spec.platforms; may be repeated',
      collect,
    )
    .option('--jobs <n>', 'how many platforms are built at once', wholeNumber, 1)
    .option('--no-cache', 'do not use layers of earlier builds')
    .option('--authfile <path>', 'registry credentials (default: as podman and skopeo find them)')
    .addOption(
      new Option('-o, --output <format>', 'what standard output gets')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .addOption(
      new Option('--prune', 'free the layer cache instead of building').conflicts([
        ...['file', 'to', 'push', 'base', 'context', 'platform', 'jobs', 'cache', 'authfile', 'output'],
      ]),
    )
    .addHelpText(
      'after',
      `
With -o json or yaml, standard output gets the EdgeBuild with its status
filled, after a failure and an interruption too; several EdgeBuilds come as one
v1 List. Progress goes to standard error.

Examples:
  edgebuild build -f app.yaml
  edgebuild build -f app.yaml --context . --to docker-archive:app.tar
  edgebuild build -f app.yaml --base debian:12=oci-archive:debian-arm64.tar
  edgebuild build -f app.yaml --push -o json
  edgebuild build --prune
${exitCodes}`,
    );

const verifyCommand = (program: Command): Command =>
  program
    .command('verify')
    .summary('judge an image that something built')
    .description(
      'Reads an image and says whether its programs are of the platform it claims, or of the one that --platform names. Of an image index every platform is judged.',
    )
    .argument(
      '<image>',
      'oci-archive:PATH, oci:DIR, docker-archive:PATH, containers-storage:NAME or docker://REF',
    )
    .option('--platform <platform>', 'judge the image for this platform, such as linux/arm64')
    .option('--authfile <path>', 'registry credentials (default: as podman and skopeo find them)')
    .addOption(
      new Option('-o, --output <format>', 'what standard output gets')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
With -o json, standard output gets {reference, passed, images, notJudged}.

Examples:
  edgebuild verify oci-archive:app.oci.tar
  edgebuild verify docker://quay.io/acme/web:1.2 --platform linux/arm64
${exitCodes}`,
    );

const runCommand = (program: Command): Command =>
  program
    .command('run')
    .summary('run the operator')
    .description(
      'Runs the operator: it builds the EdgeBuilds of a cluster until it is told to end (SIGTERM).',
    )
    .option(
      '--kubeconfig <file>',
      'which cluster (default: KUBECONFIG, the cluster it runs in, ~/.kube/config)',
    )
    .option('--context <name>', "which context of the kubeconfig (default: the kubeconfig's current one)")
    .option(
      '-n, --namespace <name>',
      'watch this namespace; may be repeated (default: WATCH_NAMESPACE, which commas divide, or all)',
      collect,
    )
    .option('--metrics-bind-address <addr>', 'where /metrics is served, 0 is nowhere (default: :8080)')
    .option(
      '--health-probe-bind-address <addr>',
      'where /livez, /healthz and /readyz are served, 0 is nowhere (default: :8081)',
    )
    .option(
      '--leader-elect [bool]',
      'work only while it holds a Lease, for several replicas (default: false)',
    )
    .option(
      '--leader-election-namespace <name>',
      "the Lease's namespace (default: POD_NAMESPACE, or that of the pod)",
    )
    .option('--leader-election-id <name>', "the Lease's name (default: edgebuild.io)")
    .option('--leader-election-lease-duration <d>', 'others wait so long for a silent leader (default: 137s)')
    .option('--leader-election-renew-deadline <d>', 'a leader that cannot renew ends after (default: 107s)')
    .option('--leader-election-retry-period <d>', 'between two tries to get or renew it (default: 26s)')
    .option('--max-concurrent-reconciles <n>', 'at once, of each controller (default: 10)')
    .option('--reconcile-timeout <d>', 'the longest that one reconcile may take (default: 2m)')
    .option('--graceful-shutdown-timeout <d>', 'how long work may go on after SIGTERM (default: 30s)')
    .option('--kube-api-qps <n>', 'calls to the API server a second, 0 is no limit (default: 0)')
    .option('--kube-api-burst <n>', 'calls at once after a silence (default: twice --kube-api-qps)')
    .option(
      '--registry-plain-http [bool]',
      "the cluster's internal registry has no certificate, as in tests (default: false)",
    )
    .option('--log-level <level>', 'error, warn, info or debug (default: LOG_LEVEL, or info)')
    .option('--log-format <format>', 'json or text (default: json)')
    .addHelpText(
      'after',
      `
A duration <d> is such as 15s, 1m30s or 500ms.

Examples:
  edgebuild run --leader-elect
  edgebuild run --kubeconfig ~/.kube/dev -n my-team --log-format text
  edgebuild run --metrics-bind-address 127.0.0.1:8080 --log-level debug
${exitCodes}`,
    );

const crdsCommand = (program: Command): Command =>
  program
    .command('crds')
    .summary('print the CustomResourceDefinitions')
    .description('Prints the CustomResourceDefinitions of EdgeBuild as YAML.')
    .addHelpText('after', '\nExample:\n  edgebuild crds | kubectl apply -f -');
