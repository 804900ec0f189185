import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platformOf } from '../../src/api/platforms.ts';
import { DockerfileError, readDockerfile, withBases } from '../../src/image/dockerfile.ts';

const options = {
  buildArgs: new Map([['GIVEN', 'given']]),
  platform: platformOf('linux/arm64'),
  buildPlatform: platformOf('linux/amd64'),
};

const read = (text: string) => readDockerfile(text, options);

const name = fc.stringMatching(/^[a-z]{1,6}$/);
const image = fc
  .tuple(name, name, fc.constantFrom(':1', '', ':$TARGETARCH', ':${NONE:-x}'))
  .map(([a, b, tag]) => `img.io/${a}/${b}${tag}`);

/** Cuts a word in two with a continuation, comments and empty lines between. */
const broken = (text: string, at: number, between: string): string => {
  const where = at % (text.length + 1);
  return where === 0 || where === text.length
    ? text
    : `${text.slice(0, where)}\\${between}${text.slice(where)}`;
};
const between = fc.constantFrom('\n', ' \t\n', '\r\n', '\n# FROM no\n', '\n\n', '\n   # no \\\n');
const written = fc
  .tuple(image, fc.nat(), between, fc.boolean())
  .map(([text, at, gap, cut]) => (cut ? broken(text, at, gap) : text));

const reference = fc.oneof(
  written.map((text) => `COPY --from=${text} /x /y`),
  written.map((text) => `RUN --mount=type=bind,from=${text},target=/x --mount="from=${text}",target=/y make`),
  written.map((text) => `copy --chown=1 "--from=x" --from=${text} /`),
  written.map((text) => `ADD\t--from='${text.replaceAll('$', '')}'\t/x /y`),
);
const other = fc.constantFrom(
  'RUN <<EOF\nFROM no\nEOF',
  'COPY <<-"a b" <<c /x\n\tFROM no\n\ta b\nCOPY --from=no\nc',
  'RUN echo \\\n# FROM no\n  FROM no',
  'ENV A=b C="d e"',
  'ARG HERE=there',
  'ONBUILD RUN make',
  '# FROM no',
  '',
  'WORKDIR /x\r',
);
const stage = fc
  .tuple(
    fc.constantFrom('', '--platform=$BUILDPLATFORM ', '--platform=linux/386 '),
    written,
    fc.array(fc.oneof(reference, other), { maxLength: 6 }),
  )
  .map(([flag, base, body]) => ({ flag, base, body }));
const dockerfile = fc
  .tuple(
    fc.constantFrom('', '\uFEFF', '# syntax=x\n', 'ARG GIVEN\n'),
    fc.array(stage, { minLength: 1, maxLength: 5 }),
  )
  .map(
    ([head, stages]) =>
      head +
      stages
        .map(
          ({ flag, base, body }, index) =>
            `FROM ${flag}${base} AS stage-${index}\nARG TARGETARCH\n${body.join('\n')}\n`,
        )
        .join(''),
  );

/** Words that mean something, in any order. */
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'FROM', 'ARG', 'COPY', 'RUN', 'ENV', 'ONBUILD', ' ', ' ', '\n', '\n', '\r\n', '\\', '\\\n', '`', '#', '# escape=`', '\uFEFF', '"', "'",
        '$', '${', '}', ':-', '+', 'A', 'a', 'b', '=', '--from=', '--mount=', 'from=', '--platform=', ',', '<<', '<<-', 'EOF', '0', 'AS', 'scratch',
      ),
      fc.string({ maxLength: 3, unit: 'binary' }),
    ),
    { maxLength: 40 },
  )
  .map((words) => words.join('')); // prettier-ignore

const valueOrTypedError = (text: string): void => {
  try {
    const reading = read(text);
    expect(withBases(text, reading, () => undefined)).toBe(text);
    expect(reading.bases.every(({ range }) => range.start < range.end)).toBe(true);
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    expect(error.line).toBeGreaterThanOrEqual(1);
    expect(error.line).toBeLessThanOrEqual(text.split('\n').length);
  }
};

describe('any Dockerfile', () => {
  test('ends in a value or a DockerfileError, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), valueOrTypedError));
    fc.assert(fc.property(soup, valueOrTypedError), { numRuns: 3000 });
    fc.assert(fc.property(soup, (text) => { valueOrTypedError(`FROM a AS b\n${text}`); }), { numRuns: 3000 }); // prettier-ignore
  });

  test('is unchanged where nothing is replaced', () => {
    fc.assert(fc.property(dockerfile, (text) => { expect(withBases(text, read(text), () => undefined)).toBe(text); })); // prettier-ignore
  });

  test('that holds no variables, quotes or breaks is unchanged when each name is replaced by itself', () => {
    const plain = dockerfile.filter((text) => !/[$"'\\]/.test(text));
    fc.assert(fc.property(plain, (text) => { expect(withBases(text, read(text), (base) => base.text)).toBe(text); })); // prettier-ignore
  });

  test('reads back the names that were put in, at the same stages, uses and lines', () => {
    fc.assert(
      fc.property(dockerfile, (text) => {
        const before = read(text);
        const names = new Map(before.bases.map((base, index) => [base, `new.io/base-${index}:1`]));
        const changed = withBases(text, before, (base) => names.get(base));
        const after = read(changed);
        expect(after.bases.map((base) => base.text)).toEqual([...names.values()]);
        expect(after.bases.map(({ use, platform, stage, used }) => ({ use, platform, stage, used }))).toEqual(
          before.bases.map(({ use, platform, stage, used }) => ({ use, platform, stage, used })),
        );
        expect(after.stages.map(({ line }) => line)).toEqual(before.stages.map(({ line }) => line));
        expect(changed.split('\n').length).toBe(text.split('\n').length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a Dockerfile of 1 MiB', () => {
  const size = 1 << 20;
  const filled = (line: string): string => line.repeat(Math.ceil(size / line.length));

  test.each<[name: string, text: string]>([
    ['comments', `FROM a\n${filled('# x\n')}`],
    ['stages', filled('FROM a\n')],
    [
      'stages that start from the one before',
      `FROM a\n${Array.from({ length: 60_000 }, (_, index) => `FROM ${index}`).join('\n')}`,
    ],
    ['one continued instruction', `FROM a\nRUN x ${filled('\\\n y')}`],
    ['one name over many lines', `FROM a${filled('\\\nx')}`],
    ['blanks', `FROM a\nRUN ${filled(' ')}x`],
    ['blanks after escapes', `FROM a\nRUN ${filled('\\ \t')}x`],
    ['one flag', `FROM a\nRUN --mount=${filled('from=b,')} x`],
    ['flags', `FROM a\nRUN ${filled('--mount=from=b ')} x`],
    ['copies', `FROM a\n${filled('COPY --from=b / /\n')}`],
    ['short heredocs', `FROM a\n${filled('RUN <<A\nA\n')}`],
    ['heredocs', `FROM a\n${filled('RUN <<A <<B\nx\nA\ny\nB\n')}`],
    ['heredocs in one instruction', `FROM a\nRUN ${filled('<<A ')}\n${filled('A\n')}`],
    ['quotes', `FROM a\nRUN << ${filled(`"'`)}`],
    ['dollars', `FROM ${filled('$')}`],
    ['open braces', `FROM ${filled('${a:-')}`],
    ['defaults side by side', `FROM ${filled('${a:-b}')}`],
    ['single quotes in a name', `FROM ${filled("'a'")}`],
    ['ARGs that double', `${filled('ARG A=x$A$A\n')}FROM a`],
    ['ARGs of one instruction', `ARG ${filled('A=b ')}\nFROM a`],
    ['a heredoc word of digits', `FROM a\nRUN ${filled('1')}<<`],
    ['carriage returns', `FROM a${filled('\r')}`],
  ])(
    '%s is read in linear time',
    (_, text) => {
      const start = process.cpuUsage();
      valueOrTypedError(text);
      const { user, system } = process.cpuUsage(start);
      // Seconds of processor, since the machine may be busy, or slow. Linear work takes one or two, a quadratic reader many
      // minutes.
      expect((user + system) / 1e6).toBeLessThan(60);
    },
    300_000,
  );
});
