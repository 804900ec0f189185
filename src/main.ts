#!/usr/bin/env node
// Nothing is imported statically but Node's own: an older Node must get as far as the message.
import process from 'node:process';

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `edgebuild needs Node 24 or later, and this is ${process.version}\nto mend it: npm install --global node@24\n`,
  );
  process.exitCode = 3;
} else {
  const { run } = await import('./cli/program.ts');
  process.exitCode = await run(process.argv);
}
