import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fc from 'fast-check';
import { join } from 'node:path';
import { createLogger, type Fields, type LogFormat, type LogLevel, logFormats } from '../../src/ops/log.ts';
import { redacted } from '../../src/ops/redact.ts';
import { shapes, tracesOf } from './secrets.ts';

const logging = (format: LogFormat = 'json', level: LogLevel = 'debug') => {
  const lines: string[] = [];
  const now = () => new Date('2026-01-02T03:04:05.678Z');
  return { lines, log: createLogger({ level, format, now, write: (line) => lines.push(line) }) };
};

/** What the only line of a logger says, as JSON. */
const fieldsOf = (fields: unknown): Record<string, unknown> => {
  const { lines, log } = logging();
  log.info('x', fields as Fields);
  expect(lines).toHaveLength(1);
  const { time, level, message, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  expect({ time, level, message }).toEqual({ time: '2026-01-02T03:04:05.678Z', level: 'info', message: 'x' });
  return rest;
};

describe('a line', () => {
  test('has time, level and message first, then the fields of the logger and of the call', () => {
    const { lines, log } = logging();
    const child = log.child({ controller: 'edgebuild', attempt: 1 }).child({ name: 'a' });
    child.warn('slow', { attempt: 2, seconds: 3 });
    log.error('other');
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.678Z","level":"warn","message":"slow","controller":"edgebuild","attempt":2,"name":"a","seconds":3}\n',
      '{"time":"2026-01-02T03:04:05.678Z","level":"error","message":"other"}\n',
    ]);
  });

  test.each([
    ['error', ['error']],
    ['warn', ['error', 'warn']],
    ['info', ['error', 'warn', 'info']],
    ['debug', ['error', 'warn', 'info', 'debug']],
  ] as const)('of level %s and graver is written', (level, written) => {
    const { lines, log } = logging('json', level);
    for (const name of ['error', 'warn', 'info', 'debug'] as const) log[name](name);
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(written);
  });

  test('keeps its own keys from fields of their names', () => {
    expect(fieldsOf({ time: 1, level: 2, message: 'mine', stack: 's' })).toEqual({
      ...{ 'fields.time': 1, 'fields.level': 2, 'fields.message': 'mine' },
      stack: 's',
    });
  });

  test('for people is one line and the stacks below it, and draws nothing on their terminal', () => {
    const { lines, log } = logging('text');
    const error = Object.assign(new Error('a'), { stack: 'Error: a\n    at b', code: 'X' });
    log.info('first\nsecond \u001b[31m', { name: 'web', words: 'two words', n: 1, error });
    expect(lines.join('')).toBe(
      [
        '2026-01-02T03:04:05.678Z INFO  first\\nsecond \\u001b[31m name=web words="two words" n=1 error={"name":"Error","message":"a","code":"X"}',
        '    Error: a',
        '        at b\n',
      ].join('\n'),
    );
  });
});

describe('an error among the fields', () => {
  test('is told with its code, causes and what else it carries', () => {
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNREFUSED' });
    const error = Object.assign(new Error('outer', { cause }), { status: 503 });
    expect(fieldsOf({ error })).toEqual({
      error: {
        ...{ name: 'Error', message: 'outer', status: 503, stack: expect.stringContaining('Error: outer') },
        cause: {
          ...{ name: 'TypeError', message: 'inner', code: 'ECONNREFUSED' },
          stack: expect.stringContaining('TypeError: inner'),
        },
      },
    });
  });

  test('is told with all of its errors, at any depth', () => {
    const errors = [new Error('one'), 'two', { deep: new RangeError('three') }];
    const told = fieldsOf({ a: [new AggregateError(errors, 'all')] })['a'];
    expect(told).toMatchObject([
      {
        ...{ name: 'AggregateError', message: 'all' },
        errors: [{ message: 'one' }, 'two', { deep: { name: 'RangeError' } }],
      },
    ]);
  });

  test.each([
    ['of a system call', async () => (await import('node:fs/promises')).readFile('/nowhere'), 'ENOENT'],
    ['of an abort', () => Promise.reject(AbortSignal.abort().reason as Error), 20],
  ])('%s of Node has a name and a code', async (_, act, code) => {
    const error: unknown = await act().catch((error: unknown) => error);
    expect(fieldsOf({ error })['error']).toMatchObject({ code, name: expect.any(String) });
  });

  test('that is its own cause ends', () => {
    const error = new Error('a');
    error.cause = error;
    expect(fieldsOf({ error })['error']).toMatchObject({ message: 'a', cause: '[circular]' });
  });
});

const circular: Record<string, unknown> = { a: 1 };
circular['self'] = circular;
const { proxy, revoke } = Proxy.revocable({}, {});
revoke();
const explode = (): never => {
  throw new Error('boom');
};
const deep = Array.from({ length: 10_000 }).reduce<object>((inner) => ({ inner }), {});

describe('no value breaks a log call:', () => {
  test.each<[string, unknown, unknown]>([
    ['a cycle', circular, { a: 1, self: '[circular]' }],
    ['the same object twice', [circular['a'], { b: 1 }], [1, { b: 1 }]],
    ['a BigInt', 12n, '12'],
    ['no number', Number.NaN, 'NaN'],
    ['a function', () => 1, '[function]'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['nothing in a list', [undefined, null], [null, null]],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['no date', new Date(Number.NaN), null],
    ['a URL', new URL('https://a/b'), 'https://a/b'],
    ['a Map', new Map([['a', 1]]), { a: 1 }],
    ['a Set', new Set([1]), [1]],
    ['bytes', Buffer.from('secret'), '[6 bytes]'],
    ['a toJSON that throws', { toJSON: explode, a: 1 }, '[unreadable]'],
    ['a toJSON that gives itself', { toJSON: () => circular }, { a: 1, self: '[circular]' }],
    [
      'a getter that throws',
      Object.defineProperty({ b: 1 }, 'a', { get: explode, enumerable: true }),
      { a: '[unreadable]', b: 1 },
    ],
    ['a proxy that throws', new Proxy({}, { ownKeys: explode, get: explode, has: explode }), '[unreadable]'],
    ['a revoked proxy', proxy, '[unreadable]'],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    ['a key __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
  ])('%s', (_, value, expected) => {
    expect(fieldsOf({ value })).toEqual({ value: expected });
    const { lines, log } = logging('text');
    log.info('x', { value });
    log.info(value as string, value as Fields);
    log.child(value as Fields).info('x');
    expect(lines).toHaveLength(3);
  });

  test('a huge text is cut', () => {
    const told = String(fieldsOf({ text: 'ab '.repeat(1_000_000) })['text']);
    expect(told.length).toBeLessThan(20_000);
    expect(told).toMatch(/\[\d+ more characters\]$/);
  });

  test('a huge or deep object is cut', () => {
    const wide = Array.from({ length: 500 }, () => Array.from({ length: 500 }, (_, i) => ({ i })));
    expect(JSON.stringify(fieldsOf({ wide, deep })).length).toBeLessThan(1_000_000);
  });

  test('anything at all', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.anything({ withBigInt: true, withMap: true, withDate: true }),
        (message, value) => {
          for (const format of logFormats) {
            const { lines, log } = logging(format);
            log.child({ value }).info(message, value as Fields);
            expect(lines).toHaveLength(1);
            expect(lines[0]?.endsWith('\n')).toBe(true);
          }
        },
      ),
    );
  });

  test('a writer that throws loses its line, and the next call writes again', () => {
    const written: string[] = [];
    const write = (line: string): void => {
      if (line.includes('first')) explode();
      written.push(line);
    };
    const log = createLogger({ level: 'info', format: 'json', write });
    log.info('first');
    log.info('second');
    expect(written).toHaveLength(1);
  });
});

const canary = 'C4n4ryThatMustNotBeSeen';

/** Where a secret may stand among the fields. */
const places: Readonly<Record<string, (secret: string) => unknown>> = {
  'a field': (secret) => secret,
  'a list in a list': (secret) => [[secret]],
  'a key': (secret) => ({ [secret]: 1 }),
  'an error': (secret) => new Error(secret),
  'the cause of an error': (secret) => new Error('a', { cause: new Error(secret) }),
  'an error of several': (secret) => new AggregateError([new Error(secret)], 'a'),
  'what an error carries': (secret) => Object.assign(new Error('a'), { response: { body: secret } }),
  'a Map': (secret) => new Map([[secret, secret]]),
  'a Set': (secret) => new Set([secret]),
  'a toJSON': (secret) => ({ toJSON: () => ({ secret, a: secret }) }),
  'a symbol': (secret) => Symbol(secret),
  'a thrown getter': (secret) => ({
    get a(): never {
      throw new Error(secret);
    },
  }),
};

/** Objects that hold a canary without any shape, told by their names alone. */
const named: Readonly<Record<string, (canary: string) => unknown>> = {
  headers: (canary) => ({
    headers: { AUTHORIZATION: canary, 'Set-Cookie': [canary], 'x-auth-token': canary },
  }),
  'raw headers': (canary) => ['Host', 'a', 'Authorization', canary, 'Cookie', canary],
  'a user of a kubeconfig': (canary) => ({ users: [{ user: { 'client-key-data': canary, token: canary } }] }),
  'a Secret': (canary) => ({ kind: 'Secret', data: { a: canary }, stringData: { b: canary } }),
  'a Secret in a list': (canary) => ({ items: [{ type: 'Opaque', data: { a: canary } }] }),
  'a pull secret': (canary) => ({ '.dockerconfigjson': canary, '.dockercfg': { a: canary } }),
  'the last applied Secret': (canary) => ({
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"a":"${canary}"}}` },
  }),
  'environment variables': (canary) => ({ env: [{ name: 'DB_PASSWORD', value: canary }] }),
  'anything below a secret name': (canary) => ({ clientSecret: { a: [{ b: canary }] }, secrets: [canary] }),
  bytes: (canary) => ({ a: Buffer.from(canary), b: new TextEncoder().encode(canary) }),
};

describe.each(logFormats)('as %s, no secret is seen', (format) => {
  const linesOf = (value: unknown, message = 'x'): string => {
    const { lines, log } = logging(format);
    log.info(message, { value });
    log.child({ value }).error(message);
    log.warn(message, value as Fields);
    expect(lines).toHaveLength(3);
    return lines.join('');
  };
  const expectNoTrace = (text: string): void => {
    for (const trace of tracesOf(canary)) expect(text).not.toContain(trace);
  };

  test.each(Object.entries(named))('in %s', (_, value) => {
    const text = linesOf(value(canary));
    expectNoTrace(text);
    expect(text).toMatch(/\[redacted\]|bytes\]/);
  });

  test('in a message', () => {
    for (const shape of Object.values(shapes)) expectNoTrace(linesOf(1, shape(canary)));
  });

  test.each(Object.entries(places))('of any shape in %s', (_, place) => {
    for (const shape of Object.values(shapes)) expectNoTrace(linesOf(place(shape(canary))));
  });

  test('of any shape in any place of any place, beside anything', () => {
    const place = fc.constantFrom(...Object.values(places));
    const secret = fc.constantFrom(...Object.values(shapes), ...Object.values(named));
    fc.assert(
      fc.property(secret, place, fc.jsonValue(), (secret, place, beside) => {
        const value = secret(canary);
        expectNoTrace(linesOf({ beside, value, placed: typeof value === 'string' ? place(value) : [value] }));
      }),
      { numRuns: 300 },
    );
  });

  test('where a long text is cut', () => {
    for (const shape of Object.values(shapes))
      for (const before of [16_300, 16_360, 16_370, 16_380]) {
        const text = linesOf(
          `${'a'.repeat(before - 8000)} ${'b'.repeat(7999)} ${shape(canary)} ${'c '.repeat(99)}`,
        );
        expectNoTrace(text);
        expect(text).toContain('more characters]');
      }
  });

  test('but what is no secret is', () => {
    const text = linesOf({
      pullSecretRef: { name: 'hub' },
      automountServiceAccountToken: false,
      token: null,
    });
    for (const word of ['hub', 'false', 'null']) expect(text).toContain(word);
    expect(text).not.toContain(redacted);
  });
});

describe('standard error', () => {
  const runs = (script: string) =>
    execa(process.execPath, ['--input-type=module', '--eval', script], { reject: false });
  const log = JSON.stringify(join(import.meta.dirname, '../../src/ops/log.ts'));

  // As far as the pipe has room: what a reader does not take in time is waited for by nobody, and lost with the process.
  test('gets every line before the process ends', async () => {
    const { stdout, stderr } = await runs(`
      const { createLogger } = await import(${log});
      const log = createLogger({ level: 'info', format: 'json' });
      for (let i = 0; i < 100; i++) log.info('line', { i });
      process.exit(0);`);
    expect(stdout).toBe('');
    expect(stderr.split('\n')).toHaveLength(100);
  });

  test('may be closed by its reader, and the process goes on', async () => {
    const running = runs(`
      const { createLogger } = await import(${log});
      const log = createLogger({ level: 'info', format: 'json' });
      for (let i = 0; i < 50; i++) {
        log.info('x'.repeat(5000));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log('still here');`);
    running.stderr.destroy();
    const { stdout, exitCode } = await running;
    expect(stdout).toBe('still here');
    expect(exitCode).toBe(0);
  }, 20_000);
});
