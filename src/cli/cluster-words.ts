/** The words of the commands that are about EdgeBuilds of a cluster. */
import { type Command, Option } from 'commander';
import { exitCodes } from './exit.ts';

export const renderCommand = (program: Command): Command =>
  program
    .command('render')
    .usage('-f FILE [options]')
    .summary('print what an EdgeBuild becomes on a cluster')
    .description(
      'Prints the objects that the operator would apply for every EdgeBuild of FILE, without a cluster, the same for the same FILE: ImageStreams and BuildConfigs; with spec.deploy Service and Route.',
    )
    .option('-f, --file <file>', 'YAML or JSON file with EdgeBuild objects; - reads standard input')
    .option('-n, --namespace <name>', 'the namespace of EdgeBuilds that name none (default: none is written)')
    .addOption(
      new Option('-o, --output <format>', 'what standard output gets')
        .choices(['yaml', 'json'])
        .default('yaml'),
    )
    .addHelpText(
      'after',
      `
Platforms that are not those of amd64 nodes are rendered as emulated, unless
spec.execution is Native: the operator takes native nodes where there are some.

What only a cluster knows is left out: the owner references with which all but
the output ImageStream go when the EdgeBuild goes; the digests of base images in
the label edgebuild.io/inputs; the tag that users pull; the Deployment, whose
image has to be built first. Lines with # on standard error say what is missing.

Applied without the operator, the objects build when somebody starts a build
(oc start-build NAME-arm64), and nothing is published. The operator takes none
of them over: where it runs, apply the EdgeBuild.

Examples:
  edgebuild render -f app.yaml
  edgebuild render -f app.yaml -n shop | kubectl apply --server-side -f -
  edgebuild render -f app.yaml -o json | jq '.items[].metadata.name'
${exitCodes}`,
    );

export const statusCommand = (program: Command): Command =>
  program
    .command('status')
    .usage('[NAME] [options]')
    .summary('show EdgeBuilds of a cluster')
    .description(
      'Shows what became of an EdgeBuild of a cluster: its platforms, why it is not ready, what to do next, its log, and the image. Without NAME, all of a namespace as a table.',
    )
    .argument('[name]', 'an EdgeBuild')
    .option('-n, --namespace <name>', "which namespace (default: that of the kubeconfig's context)")
    .addOption(new Option('-A, --all-namespaces', 'of every namespace').conflicts('namespace'))
    .option('-w, --watch', 'go on until NAME is ready, or cannot be before somebody acts')
    .option('--kubeconfig <file>', 'which cluster (default: as kubectl finds it)')
    .option('--context <name>', "which context of the kubeconfig (default: the kubeconfig's current one)")
    .addOption(
      new Option('-o, --output <format>', 'what standard output gets')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
With --watch, progress goes to standard error: redrawn in place on a terminal,
else one line a change. At its end standard output gets the status, and the exit
code says whether NAME is ready (0) or not (1). Without NAME it goes on until it
is interrupted. Without --watch the exit code is 0, whatever is shown.

With -o json, standard output gets the EdgeBuild, or a v1 List of all.

Examples:
  edgebuild status
  edgebuild status web -n shop
  kubectl apply -f web.yaml && edgebuild status web --watch
  edgebuild status web -o json | jq .status.image
${exitCodes}`,
    );
