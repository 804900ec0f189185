import { parseArgs } from 'node:util';
import { build } from 'esbuild';

// Compiles programs of ours and all that they import into a folder that needs no node_modules:
//
//     node scripts/bundle.ts --into DIRECTORY PROGRAM.ts ...
//
// ADR 7 says why. Types are not checked here.
const { values, positionals } = parseArgs({
  options: { into: { type: 'string', default: 'dist' } },
  allowPositionals: true,
});

await build({
  entryPoints: positionals,
  outdir: values.into,
  bundle: true,
  // What a command imports when it is asked for stays a file of its own.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // The licences of what is compiled in stand beside it.
  legalComments: 'linked',
  logLevel: 'warning',
  // Packages that are CommonJS ask for Node's modules at run time.
  banner: {
    js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
  },
});
