/**
 * The layers of the house. Imports point down only:
 *
 *     cli, main -> edgebuild, emulation -> engines -> image -> api
 *                  edgebuild, emulation -> runtime -> kube
 *
 * A layer may import any layer below it, not only the next. Types count as much as values.
 *
 * Each rule is written as what may be imported; everything else of ours is forbidden.
 */

/** Files of `from` import nothing of ours but what `allowed` matches. */
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^(src|agent|test|bench|demo|scripts)/', pathNot: allowed },
});

/** What everything from `engines` up may import beside its own layers. */
const base = '^src/(api/|ops/|config\\.ts$)';

module.exports = {
  forbidden: [
    only('api-is-the-bottom', 'src/api imports nothing else of ours.', '^src/api/', ['^src/api/']),
    only('image-knows-only-api', 'src/image reads images as data.', '^src/image/', [
      '^src/image/',
      '^src/api/',
    ]),
    only('kube-knows-no-edgebuild', 'src/kube talks to any API server.', '^src/kube/', [
      '^src/kube/',
      '^src/ops/',
    ]),
    only('runtime-knows-no-edgebuild', 'src/runtime turns any watch into reconciles.', '^src/runtime/', [
      '^src/(runtime|kube|ops)/',
    ]),
    only('ops-is-a-leaf', 'Log, metrics and health serve every layer and know none.', '^src/ops/', [
      '^src/ops/',
    ]),
    only(
      'config-is-a-leaf',
      'src/config.ts reads the environment and decides nothing.',
      '^src/config\\.ts$',
      ['^src/api/'],
    ),
    only(
      'engines-look-down',
      'An engine is given a plan; it knows neither who planned nor a cluster.',
      '^src/engines/',
      ['^src/(engines|image)/', base],
    ),
    {
      name: 'engines-are-apart',
      comment: 'An engine imports no other engine. What they share lies in src/engines/ itself.',
      severity: 'error',
      from: { path: '^src/engines/([^/]+)/' },
      to: { path: '^src/engines/[^/]+/', pathNot: '^src/engines/$1/' },
    },
    {
      name: 'shared-engine-code-knows-no-engine',
      comment: 'A file directly in src/engines/ serves all engines.',
      severity: 'error',
      from: { path: '^src/engines/[^/]+\\.ts$' },
      to: { path: '^src/engines/[^/]+/' },
    },
    only(
      'edgebuild-looks-down',
      'src/edgebuild reads what emulation says from the cluster, as any controller.',
      '^src/edgebuild/',
      ['^src/(edgebuild|engines|image|runtime|kube)/', base],
    ),
    only('emulation-looks-down', 'src/emulation does not know src/edgebuild.', '^src/emulation/', [
      '^src/(emulation|engines|image|runtime|kube)/',
      base,
    ]),
    only('agent-is-made-from-the-table', 'What nodes get is generated from src/emulation.', '^agent/', [
      '^agent/',
      '^src/(emulation|api)/',
      '^src/engines/local/binfmt\\.ts$',
    ]),
    {
      name: 'cli-is-the-top',
      comment: 'Nobody imports a command but the command line itself and main.',
      severity: 'error',
      from: { path: '^(src|agent|bench|demo|scripts)/', pathNot: '^src/(cli/|main\\.ts$)' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'main-is-imported-by-nobody',
      comment: 'src/main.ts is a program.',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'src-stands-alone',
      comment: 'What ships imports nothing of what tests, measures or shows it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(agent|test|bench|demo|scripts)/' },
    },
    {
      name: 'src-needs-no-development-package',
      comment: 'What ships is installed without devDependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-cycles',
      comment: 'A cycle is one module in two files.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that is not found is checked by no rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
