import { describe, expect, test } from '@jest/globals';
import { managed } from './builder/manage.ts';
import { readInstructions, writeInstructions } from './builder/instructions.ts';
import { imagesOf, withArguments } from './builder/references.ts';
import type { Build, BuildSpec } from './kinds.ts';

const build = (spec: Partial<BuildSpec> = {}): Build => ({
  ...{ apiVersion: 'build.openshift.io/v1', kind: 'Build' },
  metadata: { namespace: 'ns', name: 'app-1', uid: '1-2' },
  spec: { source: {}, strategy: { dockerStrategy: {} }, output: {}, ...spec },
});
const image = (name: string) => ({ kind: 'DockerImage', name });
const env = 'ENV "OPENSHIFT_BUILD_NAME"="app-1" "OPENSHIFT_BUILD_NAMESPACE"="ns"';
const label = 'LABEL "io.openshift.build.name"="app-1" "io.openshift.build.namespace"="ns"';

const rewritten = (text: string, spec: Partial<BuildSpec> = {}): readonly string[] =>
  managed(text, build(spec), undefined).trimEnd().split('\n');

describe('what a Dockerfile becomes', () => {
  test('environment and labels of the Build come last; comments and breaks go', () => {
    const text = '# x\nFROM a\n\nrun echo \\\n  # y\n  b\n';
    expect(rewritten(text)).toEqual(['FROM a', 'RUN echo   b', env, label]);
  });

  test('`from` replaces the last FROM, even a stage', () => {
    const spec = { strategy: { dockerStrategy: { from: image('new') } } };
    expect(rewritten('FROM a AS one\nFROM one\n', spec)).toEqual(['FROM a AS one', 'FROM new', env, label]);
  });

  test('`as` replaces the exact text in FROM and COPY --from, but no stage', () => {
    const source = { images: [{ from: image('new'), as: ['a', 'tools', 'one'] }] };
    const text = 'FROM a AS one\nFROM a:1\nCOPY --from=one /x /x\nCOPY --from=tools --chown=1 /y /y\n';
    expect(rewritten(text, { source })).toEqual([
      ...[
        'FROM new as one',
        'FROM a:1',
        'COPY --from=one /x /x',
        'COPY --from=new --chown=1 /y /y',
        env,
        label,
      ],
    ]);
  });

  test('strategy env follows every FROM, those of the post-commit too', () => {
    const strategy = { dockerStrategy: { env: [{ name: 'A', value: 'b "c"' }] } };
    const mine = 'ENV "A"="b \\"c\\""';
    expect(rewritten('FROM a\n', { strategy, postCommit: { script: 'x', args: ['y'] } })).toEqual([
      ...['FROM a as appimage12', mine, env, label],
      ...['FROM appimage12', mine, "RUN /bin/sh -ic 'x y'"],
      ...['FROM appimage12', mine],
    ]);
  });

  test('a named last stage keeps its name for the post-commit; a command needs no shell', () => {
    const [from, , , again, run] = rewritten('FROM a AS b\n', { postCommit: { command: ['true', 'x'] } });
    expect([from, again, run]).toEqual(['FROM a as b', 'FROM b', 'RUN true x']);
  });

  test('an unknown instruction loses its arguments, a heredoc its body', () => {
    expect(rewritten('FROM a\nBOGUS y\nRUN <<E\nexit 1\nE\nRUN b\n')).toEqual([
      ...['FROM a', 'BOGUS ', 'RUN <<E', 'RUN b', env, label],
    ]);
    const again = writeInstructions(readInstructions('FROM a\nRUN <<E\nENV a=b\n'));
    expect(again).toBe('FROM a\nRUN <<E\nENV a=b\n');
  });
});

test('images are pulled by name, each once; arguments before the first FROM are known', () => {
  const text = 'ARG V=1\nFROM b:${V} AS x\nFROM scratch\nFROM $W\nCOPY --from=x / /\nCOPY --from=0 / /\nCOPY --from=a / /\nFROM b:1\n';
  expect(imagesOf(withArguments(readInstructions(text), { V: '2' }))).toEqual(['$W', 'a', 'b:1', 'b:2']);
}); // prettier-ignore
