import { describe, expect, test } from '@jest/globals';
import { platformOf } from '../../src/api/platforms.ts';
import {
  DockerfileError,
  readDockerfile,
  withBases,
  type DockerfileReading,
} from '../../src/image/dockerfile.ts';

const read = (text: string, buildArgs: Record<string, string> = {}): DockerfileReading =>
  readDockerfile(text, {
    buildArgs: new Map(Object.entries(buildArgs)),
    platform: platformOf('linux/arm/v7'),
    buildPlatform: platformOf('linux/amd64'),
  });

const lines = (...all: string[]): string => all.join('\n');

/** `text` of each base, marked where it is not used. */
const bases = (text: string, buildArgs: Record<string, string> = {}): string[] =>
  read(text, buildArgs).bases.map((base) => (base.used ? base.text : `(${base.text})`));

const replaced = (text: string): string => withBases(text, read(text), () => 'NEW');

const errorOf = (text: string, buildArgs: Record<string, string> = {}): DockerfileError => {
  try {
    read(text, buildArgs);
  } catch (error) {
    if (error instanceof DockerfileError) return error;
    throw error;
  }
  throw new Error('no error');
};

describe('the base images of a Dockerfile', () => {
  test.each<[name: string, text: string, expected: string[]]>([
    ['one FROM', 'FROM debian:bookworm-slim', ['debian:bookworm-slim']],
    ['lower case and tabs', 'from\tdebian\tas\tx\n', ['debian']],
    ['leading blanks and empty lines', '\n\n  FROM debian\n', ['debian']],
    ['a byte order mark', '\uFEFFFROM debian', ['debian']],
    ['CRLF', 'FROM debian \\\r\n AS x\r\nRUN y\r\n', ['debian']],
    ['comments that look like instructions', '# FROM a\nFROM b\n  # FROM c\n', ['b']],
    ['a name over a continuation', 'FROM deb\\\nian', ['debian']],
    ['comments and empty lines in a continuation', 'FROM deb\\\n# FROM x\n\n   # y \\\nian', ['debian']],
    ['an instruction that goes on over an empty line', 'FROM a \\\n\nAS b', ['a']],
    ['a continuation at the end of the file', 'FROM a\nRUN x \\', ['a']],
    ['a continuation mark before blanks', 'FROM a \\  \n AS b', ['a']],
    ['the escape directive', '# escape=`\nFROM a `\n AS b\nRUN dir c:\\\nFROM c', ['(a)', 'c']],
    [
      'the escape directive after the syntax directive',
      '# syntax=docker/dockerfile:1\n#escape = `\nFROM a `\n AS b',
      ['a'],
    ],
    ['an escape comment after a comment, which is no directive', '# x\n# escape=`\nFROM a \\\n AS b', ['a']],
    ['FROM scratch', 'FROM scratch\nCOPY a /', []],
    ['quotes', `FROM "deb"'ian'`, ['debian']],
    ['an escaped character', 'FROM deb\\ian', ['debian']],
    ['several stages, the last one alone', 'FROM a\nFROM b', ['(a)', 'b']],
    ['a stage by name', 'FROM a AS x\nFROM x', ['a']],
    [
      'a stage by name, without regard to case',
      'FROM a AS Build\nFROM b\nCOPY --from=bUILD /x /',
      ['a', 'b'],
    ],
    ['a stage that has the name of an image', 'FROM a AS debian\nFROM debian', ['a']],
    ['a stage named as its own image', 'FROM debian AS debian\nFROM debian', ['debian']],
    ['an image named as a later stage', 'FROM b\nFROM a AS b', ['(b)', 'a']],
    ['a stage by number', 'FROM a\nFROM b\nCOPY --from=0 /x /', ['a', 'b']],
    ['FROM a stage by number', 'FROM a\nFROM 0', ['a']],
    ['COPY --from an image', 'FROM a\nCOPY --chown=1:1 --from=b/c:1 /x /', ['a', 'b/c:1']],
    ['COPY --from in JSON form', 'FROM a\nCOPY --from=b ["x", "/"]', ['a', 'b']],
    ['COPY --from scratch', 'FROM a\nCOPY --from=scratch / /', ['a']],
    ['a file called --from=b', 'FROM a\nCOPY x --from=b /', ['a']],
    ['ADD --from an image', 'FROM a\nADD --from=b /x /', ['a', 'b']],
    [
      'RUN with several mounts',
      'FROM a AS s\nFROM b\nRUN --mount=type=bind,from=i,target=/i --mount=from=s,target=/s --mount=type=cache,target=/c make',
      ['a', 'b', 'i'],
    ],
    ['a quoted mount', 'FROM a\nRUN --mount="type=bind,from=i,target=/i" make', ['a', 'i']],
    ['a mount whose source holds from=', 'FROM a\nRUN --mount=type=bind,source=from=x,target=/i make', ['a']],
    ['ONBUILD, which runs elsewhere', 'FROM a\nONBUILD COPY --from=b /x /', ['a']],
    [
      'stages needed by stages',
      'FROM a AS x\nFROM b AS y\nCOPY --from=x / /\nFROM c\nFROM d\nCOPY --from=y / /',
      ['a', 'b', '(c)', 'd'],
    ],
    ['a heredoc with a FROM in it', 'FROM a\nRUN <<EOF\nFROM b\nEOF\nRUN x', ['a']],
    ['a heredoc for a file descriptor', 'FROM a\nRUN 0<<EOF cat\nFROM b\nEOF', ['a']],
    ['two heredocs', 'FROM a\nCOPY <<x <<"y" /z/\nFROM b\nx\nFROM c\ny\nCOPY --from=d / /', ['a', 'd']],
    ['a heredoc with tabs', 'FROM a\nRUN <<-EOF\n\tFROM b\n\tEOF', ['a']],
    ['a heredoc whose end is indented without a dash', "FROM a\nRUN <<'E F'\n\tE F\nFROM b\nE F", ['a']],
    ['a heredoc in CRLF', 'FROM a\r\nRUN <<EOF\r\nFROM b\r\nEOF\r\n', ['a']],
    ['a heredoc after continuations', 'FROM a\nRUN x && \\\n <<EOF\nEOF\nCOPY --from=b / /', ['a', 'b']],
    ['what looks like a heredoc in quotes', 'FROM a\nRUN echo "<<EOF"\nCOPY --from=b / /', ['a', 'b']],
    [
      'a shift, a here-string, a blank',
      'FROM a\nRUN echo $((1<<2)) <<<word << x\nCOPY --from=b / /',
      ['a', 'b'],
    ],
    ['a heredoc in CMD, which has none', 'FROM a\nCMD <<EOF\nCOPY --from=b / /', ['a', 'b']],
  ])('%s', (_, text, expected) => {
    expect(bases(text)).toEqual(expected);
  });

  test('carry use, stage, line and range', () => {
    const text = lines('FROM debian AS tools', '', 'FROM alpine', 'COPY \\', '  --from=busybox /x /');
    expect(
      read(text).bases.map(({ use, stage, line, range }) => ({
        use,
        stage,
        line,
        raw: text.slice(range.start, range.end),
      })),
    ).toEqual([
      { use: 'FROM', stage: { index: 0, name: 'tools' }, line: 1, raw: 'debian' },
      { use: 'FROM', stage: { index: 1 }, line: 3, raw: 'alpine' },
      { use: 'COPY --from', stage: { index: 1 }, line: 5, raw: 'busybox' },
    ]);
  });

  test('stages say what they start from', () => {
    const stages = read('FROM a AS x\nFROM scratch\nFROM x').stages;
    expect(stages.map(({ line, used }) => [line, used])).toEqual([[1, true], [2, false], [3, true]]); // prettier-ignore
    expect(stages[0]).toMatchObject({ index: 0, name: 'x', base: { image: { text: 'a', used: true } } });
    expect(stages[1]?.base).toBe('scratch');
    expect(stages[2]?.base).toEqual({ stage: 0 });
  });
});

describe('variables', () => {
  test.each<[name: string, text: string, buildArgs: Record<string, string>, expected: string[]]>([
    ['a default', 'ARG V=1\nFROM a:$V', {}, ['a:1']],
    ['a build argument in place of the default', 'ARG V=1\nFROM a:${V}', { V: '2' }, ['a:2']],
    ['a build argument without a default', 'ARG V\nFROM a:$V', { V: '2' }, ['a:2']],
    ['a default from another', 'ARG A=1\nARG B=${A}-x\nFROM a:$B', {}, ['a:1-x']],
    ['several in one ARG, quoted', `ARG A="1" B='2'\nFROM a:$A$B`, {}, ['a:12']],
    ['a value that is not expanded again', "ARG A='$B' B=1\nFROM a:${A:+x}", {}, ['a:x']],
    ['${X:-d} of none', 'FROM a:${V:-3}', {}, ['a:3']],
    ['${X:-d} of empty', 'ARG V=\nFROM a:${V:-3}', {}, ['a:3']],
    ['${X-d} of empty', 'ARG V=\nFROM a${V-3}', {}, ['a']],
    ['${X-d} of none', 'ARG V\nFROM a:${V-3}', {}, ['a:3']],
    ['${X:+d}', 'ARG V=1\nFROM a${V:+:x}${W:+:y}', {}, ['a:x']],
    ['${X+d}', 'ARG V=\nFROM a${V+:x}', {}, ['a:x']],
    ['nested defaults', 'ARG W=w\nFROM a:${V:-${X:-$W}}', {}, ['a:w']],
    ['a default that is not taken and has a hole', 'ARG V=1\nFROM a:${V:-$NONE}', {}, ['a:1']],
    ['a quoted default', 'FROM a:${V:-"1}"}', {}, ['a:1}']],
    ['an escaped dollar', 'FROM a\\$V', {}, ['a$V']],
    ['single quotes', "FROM 'a$V'", {}, ['a$V']],
    [
      'the automatic ones, undeclared',
      'FROM a:$TARGETOS-$TARGETARCH$TARGETVARIANT-${BUILDARCH}$BUILDVARIANT',
      {},
      ['a:linux-armv7-amd64'],
    ],
    ['an automatic one, declared', 'ARG TARGETARCH\nFROM a:$TARGETARCH', {}, ['a:arm']],
    ['an automatic one as a build argument', 'FROM a:$TARGETARCH', { TARGETARCH: 'mips' }, ['a:mips']],
    ['an automatic one with a default', 'ARG TARGETARCH=x\nFROM a:$TARGETARCH', {}, ['a:x']],
    ['a stage named by one', 'ARG V=x\nFROM a AS x\nFROM $V', {}, ['a']],
    ['COPY --from by an ARG of the stage', 'FROM a\nARG V=b\nCOPY --from=$V / /', {}, ['a', 'b']],
    [
      'COPY --from by a global ARG declared again',
      'ARG V=b\nFROM a\nARG V\nCOPY --from=$V / /',
      {},
      ['a', 'b'],
    ],
    [
      'a default in the stage before the global one',
      'ARG V=b\nFROM a\nARG V=c\nCOPY --from=$V / /',
      {},
      ['a', 'c'],
    ],
    [
      'an automatic one declared in the stage',
      'FROM a\nARG TARGETARCH\nRUN --mount=from=b:$TARGETARCH,target=/b x',
      {},
      ['a', 'b:arm'],
    ],
    [
      'an ENV inside a default',
      'FROM a\nENV N=b M=x\nENV O the rest\nARG V=$N\nCOPY --from=$V / /',
      {},
      ['a', 'b'],
    ],
    [
      'an ARG with its default taken from ENV of the same name',
      'FROM a\nARG N=1\nENV N=b\nARG V=$N\nCOPY --from=$V / /',
      {},
      ['a', 'b'],
    ],
  ])('%s', (_, text, buildArgs, expected) => {
    expect(bases(text, buildArgs)).toEqual(expected);
  });

  test('that double with each line end in an error, not in memory', () => {
    const doubling = Array.from({ length: 60 }, (_, index) => `ARG A${index + 1}=$A${index}$A${index}`);
    expect(errorOf(lines('ARG A0=xx', ...doubling, 'FROM $A60')).message).toContain('too long');
  });
});

describe('platforms', () => {
  test.each<[text: string, expected: string[]]>([
    ['FROM a', ['linux/arm/v7']],
    ['FROM --platform=$BUILDPLATFORM a AS x\nFROM b\nCOPY --from=x / /', ['linux/amd64', 'linux/arm/v7']],
    ['FROM --platform=${TARGETPLATFORM} a', ['linux/arm/v7']],
    ['ARG P=aarch64\nFROM --platform=$P a', ['linux/arm64']],
    ['FROM --platform=linux/arm64/v8 a', ['linux/arm64']],
    ['FROM --platform=linux/arm a', ['linux/arm/v7']],
    ['FROM --platform=LINUX/X86_64 a', ['linux/amd64']],
    ['FROM --platform=linux/constructor a', ['linux/constructor']],
    ['FROM --platform=windows/amd64 a\nFROM b', ['windows/amd64', 'linux/arm/v7']],
    // As buildah: the platform of the stage it stands in, which a stage takes from the one it starts from.
    ['FROM --platform=linux/amd64 a AS x\nFROM x\nCOPY --from=c / /', ['linux/amd64', 'linux/amd64']],
    [
      'FROM --platform=linux/amd64 a AS x\nFROM --platform=linux/386 x\nRUN --mount=from=c,target=/c x',
      ['linux/amd64', 'linux/386'],
    ],
  ])('%j asks for %j', (text, expected) => {
    expect(read(text).bases.map(({ platform }) => platform)).toEqual(expected);
  });
});

describe('what a builder must be able to do', () => {
  test.each<[text: string, expected: [feature: string, line: number, since?: string][]]>([
    ['FROM a AS x\nFROM b\nCOPY --from=x / /', []],
    ['FROM a\n\nRUN <<A <<B\nA\nB', [['heredocs', 3, '1.33']]],
    ['FROM a\nONBUILD RUN <<A\nA', [['heredocs', 2, '1.33']]],
    ['FROM --platform=aarch64 a', [['FROM --platform with an architecture alone, "aarch64"', 1, '1.31']]],
    ['FROM a\nRUN --network=none x', [['RUN --network', 2, '1.30']]],
    ['FROM a\nONBUILD COPY --link a /', [['COPY --link', 2, '1.41']]],
    ['FROM a\nRUN --security=insecure x', [['RUN --security', 2]]],
    ['FROM a AS Build\nFROM build', [['stage "Build" named in another case, "build"', 2]]],
    ['ARG X=x\nFROM a AS x\nFROM $X', [['a stage named by a variable, "$X"', 3]]],
    ['FROM a AS x\nFROM b\nRUN --mount=from=0,target=/x y', [['stage "x" mounted by its number', 3]]],
    ['FROM a\nFROM b\nRUN --mount=from=0,target=/x y', []],
    ['# syntax=x\n# escape=`\nFROM a', [['# escape= after another directive', 2]]],
  ])('%j', (text, expected) => {
    expect(
      read(text).needs.map(({ feature, line, since }) =>
        since === undefined ? [feature, line] : [feature, line, since],
      ),
    ).toEqual(expected);
  });

  test('heredocs are listed by line', () => {
    expect(read('FROM a\nRUN <<A\nA\nCOPY <<B /\nB').heredocs).toEqual([{ line: 2 }, { line: 4 }]);
  });
});

describe('bad Dockerfiles', () => {
  test.each<[name: string, text: string, line: number, message: RegExp]>([
    ['an empty file', '', 1, /no FROM; begin with FROM/],
    ['comments alone', '# x\n\n# y', 1, /no FROM/],
    ['ARG alone', 'ARG A=1', 1, /no FROM/],
    ['an instruction before FROM', 'ARG A\nRUN x\nFROM a', 2, /RUN before the first FROM; only ARG/],
    ['FROM without an image', 'FROM a\nFROM', 2, /FROM names no image; write/],
    ['FROM with a flag and no image', 'FROM --platform=linux/arm64', 1, /FROM names no image/],
    ['FROM with two arguments', 'FROM a b', 1, /FROM takes an image, or an image, AS and a name; "a b"/],
    ['FROM with AS and no name', 'FROM a AS', 1, /FROM takes an image/],
    ['FROM with four arguments', 'FROM a AS b c', 1, /FROM takes an image/],
    ['FROM that swallows the next line', 'FROM a \\\n\nRUN x', 1, /FROM takes an image/],
    ['FROM with an unknown flag', 'FROM --from=x a', 1, /"--from=x" is not known; the only flag/],
    [
      'FROM with its flag twice',
      'FROM --platform=linux/arm64 --platform=linux/arm64 a',
      1,
      /--platform twice/,
    ],
    ['FROM with its flag without a value', 'FROM --platform a', 1, /--platform needs a value/],
    [
      'an undeclared variable',
      'FROM a\nFROM b:$V',
      2,
      /FROM "b:\$V" cannot be resolved: \$V is not declared; before the first FROM/,
    ],
    [
      'a variable without a value',
      'ARG V\nFROM b:$V',
      2,
      /\$V \(ARG on line 1\) has no value; .*spec\.buildArgs/,
    ],
    [
      'a variable that takes its value from one without',
      'ARG V\nARG W=x$V\nFROM b:$W',
      3,
      /\$V \(ARG on line 1\) has no value/,
    ],
    ['an empty variable', 'ARG V=\nFROM $V', 2, /it is empty/],
    ['an empty quote', 'FROM ""', 1, /it is empty/],
    ['an ARG of a stage in a later FROM', 'FROM a\nARG V=1\nFROM b:$V', 3, /\$V is not declared/],
    ['a quote that stays open', 'FROM "a', 1, /a quote stays open/],
    ['a brace that stays open', 'FROM a:${V:-x', 1, /a \$\{ stays open/],
    ['another substitution', 'ARG V=1\nFROM a:${V%x}', 2, /only \$\{X\}, /],
    ['a substitution without a name', 'FROM a:${}', 1, /without a name/],
    ['substitutions nested without end', `FROM a:${'${V:-'.repeat(5000)}`, 1, /nested too deeply/],
    ['an ARG without a name', 'ARG\nFROM a', 1, /ARG without a name/],
    ['an ARG with a value and no name', 'ARG =x\nFROM a', 1, /has no name/],
    ['an ARG with an open quote', 'ARG A="x\nFROM a', 1, /quote/],
    [
      'a bad platform',
      'FROM --platform=arm64 a\nFROM --platform=nonsense/x/y/z b',
      2,
      /"nonsense\/x\/y\/z" is no platform; write it as in/,
    ],
    ['a platform that is a word', 'FROM --platform=pi b', 1, /no platform/],
    ['an unresolved platform', 'FROM --platform=$P b', 1, /cannot be resolved: \$P is not declared/],
    ['a number without a stage', 'FROM a\nCOPY --from=7 / /', 2, /stage "7", but the last stage is 0/],
    ['FROM a number without a stage', 'FROM 3', 1, /stage "3"/],
    ['FROM a stage with a name by its number', 'FROM a AS x\nFROM 0', 2, /write FROM x/],
    ['FROM its own number', 'FROM 0', 1, /its own stage/],
    [
      'a later stage by name',
      'FROM a\nCOPY --from=B / /\nFROM b AS b',
      2,
      /COPY --from names a later stage, "B"; name an earlier/,
    ],
    ['a later stage by number', 'FROM a\nRUN --mount=from=1,target=/x y\nFROM b', 2, /a later stage/],
    ['its own stage', 'FROM a AS x\nCOPY --from=x / /', 2, /its own stage/],
    ['the same name twice', 'FROM a AS x\nFROM b AS X', 2, /the stage on line 1 is already named "x"/],
    ['a number for a name', 'FROM a AS 1', 1, /cannot be a stage's name/],
    ['scratch for a name', 'FROM a AS scratch', 1, /cannot be a stage's name/],
    ['COPY --from without a value', 'FROM a\nCOPY --from b /', 2, /--from needs a value/],
    ['COPY --from= without a value', 'FROM a\nCOPY --from= b /', 2, /names nothing/],
    ['COPY --from twice', 'FROM a\nCOPY --from=a --from=b b /', 2, /--from twice/],
    ['an empty from= of a mount', 'FROM a\nRUN --mount=type=bind,from=,target=/x y', 2, /names nothing/],
    [
      'COPY --from=$V of a global ARG',
      'ARG V=1\nFROM a\nCOPY --from=$V b /',
      3,
      /\$V is not declared; in this stage/,
    ],
    [
      'COPY --from=$V of ENV',
      'FROM a\nENV V=1\nCOPY --from=$V b /',
      3,
      /\$V is set by ENV, which counts for nothing here/,
    ],
    [
      'COPY --from=$V of an ARG whose default asks for the image',
      'FROM a\nARG V=$NODE\nCOPY --from=$V b /',
      3,
      /\$NODE is not declared/,
    ],
    ['an unknown instruction', 'FROM a\nFOO bar', 2, /unknown instruction "FOO"; correct it/],
    [
      'a heredoc without an end',
      'FROM a\nRUN <<EOF\nx',
      2,
      /the heredoc "<<EOF" does not end; add a line "EOF"/,
    ],
    ['a heredoc whose end is indented', 'FROM a\nRUN <<EOF\n  EOF', 2, /does not end/],
    ['ONBUILD FROM', 'FROM a\nONBUILD FROM b', 2, /ONBUILD FROM is not possible/],
    ['ONBUILD alone', 'FROM a\nONBUILD', 2, /ONBUILD  ?is not possible/],
    [
      'a stage from one with ONBUILD --from',
      'FROM a AS x\nONBUILD COPY --from=b / /\nFROM x',
      2,
      /line 3 starts from/,
    ],
    ['a bad escape directive', '# escape=x\nFROM a', 1, /use \\ or `/],
    ['two escape directives', '# escape=`\n# escape=`\nFROM a', 2, /second # escape=/],
    ['control characters, which the message does not repeat', 'FROM a\n\u001b[2J x', 2, /"\?\[2J"/],
  ])('%s', (_, text, line, message) => {
    const error = errorOf(text);
    expect(error.message).toMatch(message);
    expect(error.line).toBe(line);
    expect(error.message.startsWith(`line ${line}: `)).toBe(true);
  });
});

describe('withBases', () => {
  test.each<[text: string, expected: string]>([
    ['FROM a', 'FROM NEW'],
    ['FROM  a:$TARGETARCH  AS x\r\nRUN a', 'FROM  NEW  AS x\r\nRUN a'],
    ['from "a"', 'from NEW'],
    ['FROM deb\\\nian\nRUN x', 'FROM \\\nNEW\nRUN x'],
    ['FROM \\\ndeb\\\n# c\n\nian AS x', 'FROM \\\n\\\n# c\n\nNEW AS x'],
    ['\uFEFFFROM a\nFROM a\n', '\uFEFFFROM NEW\nFROM NEW\n'],
    ['FROM scratch\nCOPY --from="a"b c /', 'FROM scratch\nCOPY --from=""NEW c /'],
    ['FROM scratch\nCOPY --from=a"b" c /', 'FROM scratch\nCOPY --from="NEW" c /'],
    ['FROM scratch\nCOPY --from=\\a c /', 'FROM scratch\nCOPY --from=NEW c /'],
    [
      'FROM a AS x\nFROM x\nRUN --mount=type=bind,from=i,target=/i --mount=from=x,target=/x --mount="from=j",target=/j j',
      'FROM NEW AS x\nFROM x\nRUN --mount=type=bind,from=NEW,target=/i --mount=from=x,target=/x --mount="from=NEW",target=/j j',
    ],
    ['FROM a\nRUN <<E\nFROM a\nE', 'FROM NEW\nRUN <<E\nFROM a\nE'],
  ])('%j becomes %j', (text, expected) => {
    expect(replaced(text)).toBe(expected);
    expect(read(expected).bases.every((base) => base.text === 'NEW')).toBe(true);
  });

  test('leaves what it is told nothing about', () => {
    const text = 'FROM a\nFROM b\nCOPY --from=a / /';
    expect(withBases(text, read(text), (base) => (base.text === 'a' ? 'c' : undefined))).toBe(
      'FROM c\nFROM b\nCOPY --from=c / /',
    );
  });

  test.each([
    '',
    'a b',
    'a\nRUN x',
    '$A',
    'a"',
    "a'",
    'a\\',
    'a,b',
    '#a',
    '--platform=x',
    'a=b',
    'x',
    'X',
    '7',
    'scratch',
  ])('refuses %j, which would not stand for itself', (name) => {
    const text = 'FROM a AS x';
    expect(() => withBases(text, read(text), () => name)).toThrow(DockerfileError);
  });

  test.each([
    'oci-archive:/tmp/base.tar',
    'docker://r.io:5000/a/b:1',
    `a@sha256:${'0'.repeat(64)}`,
    'f'.repeat(64),
  ])('takes %s', (name) => {
    const text = 'FROM a AS x';
    expect(withBases(text, read(text), () => name)).toBe(`FROM ${name} AS x`);
  });
});
