/** What an HTTP answer that says no becomes. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import nock from 'nock';
import { createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { ApiError, errorOfAnswer, isAlreadyExists, isConflict, isGone, isInvalid, isNamespaceTerminating, isNotFound, isTransient } from '../../src/kube/errors.ts'; // prettier-ignore
import { configMaps, status } from './following.ts';

const server = 'http://nock.invalid';

beforeEach(() => {
  nock.disableNetConnect();
});
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

const answered = async (
  code: number,
  body: string,
  headers: Record<string, string> = {},
): Promise<unknown> => {
  nock(server).get('/api/v1/namespaces/default/configmaps/x').reply(code, body, headers);
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'x', server, skipTLSVerify: true }, { name: 'x' });
  const connection = openConnection(config);
  try {
    return await createClient({ connection, fieldManager: 'edgebuild' }).get(configMaps, { namespace: 'default', name: 'x' }); // prettier-ignore
  } catch (error) {
    return error;
  } finally {
    await connection.close();
  }
};

const causes = [{ reason: 'FieldValueInvalid', message: 'bad', field: 'data' }];
const rows: readonly (readonly [string, number, string, object])[] = [
  ['a Status', 404, JSON.stringify(status(404, { reason: 'NotFound' })), { code: 404, reason: 'NotFound', message: 'get configmaps default/x: said 404' }], // prettier-ignore
  ['a Status with causes', 422, JSON.stringify(status(422, { reason: 'Invalid', details: { causes } })), { reason: 'Invalid', causes }], // prettier-ignore
  ['a Status without a reason', 403, JSON.stringify(status(403)), { reason: 'Forbidden' }],
  ['a Status that says when to come back', 500, JSON.stringify(status(500, { details: { retryAfterSeconds: 7 } })), { retryAfterMs: 7000 }], // prettier-ignore
  ['plain text 503', 503, 'service unavailable\n', { reason: 'ServiceUnavailable', message: 'get configmaps default/x: 503: service unavailable' }], // prettier-ignore
  ['HTML 502', 502, '<html><style>p{}</style><h1>Bad  Gateway</h1>\n<p>nginx</p></html>', { reason: 'ServiceUnavailable', message: 'get configmaps default/x: 502: Bad Gateway nginx' }], // prettier-ignore
  [
    'nothing at all',
    500,
    '',
    { reason: 'InternalError', message: 'get configmaps default/x: 500: an empty answer' },
  ],
  ['JSON that is no Status', 400, '{"error":"x"}', { reason: 'BadRequest' }],
  ['a code that nobody knows', 418, 'teapot', { reason: 'Unknown' }],
  ['200 with half an object', 200, '{"apiVersion":"v1","met', { code: 0, reason: 'BrokenAnswer' }],
  ['200 with HTML', 200, '<html>sign in</html>', { code: 0, reason: 'BrokenAnswer' }],
  ['200 with null', 200, 'null', { code: 0, reason: 'BrokenAnswer' }],
  ['200 with an object without metadata', 200, '{"kind":"Status"}', { code: 0, reason: 'BrokenAnswer' }],
];

describe('an answer of', () => {
  test.each(rows)('%s is an ApiError that says so', async (_title, code, body, expected) => {
    const error = await answered(code, body);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ name: 'ApiError', request: 'get configmaps default/x', ...expected });
  });
});

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const waits = ['7', 'Thu, 01 Jan 2026 00:00:09 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', ''].map(
    (header) => errorOfAnswer('x', 500, '', header, now).retryAfterMs,
  );
  expect(waits).toEqual([7000, 9000, 0, undefined, undefined]);
});

test('a page without end becomes a line that can be read', () => {
  expect(errorOfAnswer('x', 500, 'a'.repeat(1_000_000)).message.length).toBeLessThan(1100);
});

test('errors are told apart by code and reason', () => {
  const of = (code: number, reason = ''): ApiError =>
    errorOfAnswer('x', code, JSON.stringify(status(code, { reason })));
  const codes = (is: (error: unknown) => boolean): readonly number[] =>
    [0, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504].filter((code) => is(of(code)));
  expect([codes(isTransient), codes(isGone), codes(isInvalid), codes(isNotFound)]).toEqual([
    ...[[0, 429, 500, 502, 503, 504], [410], [400, 422], [404]],
  ]);
  const exists = of(409, 'AlreadyExists');
  expect([
    isConflict(of(409)),
    isConflict(exists),
    isAlreadyExists(exists),
    isAlreadyExists(of(409)),
  ]).toEqual([...[true, false, true, false]]);
  expect([isTransient(new Error('x')), isConflict({ code: 409 })]).toEqual([false, false]);
});

test('a namespace that is being deleted says so as a cause of its refusal', () => {
  const causes = [{ reason: 'NamespaceTerminating', message: 'namespace x is being terminated', field: 'metadata.namespace' }];
  const of = (details: object): ApiError =>
    errorOfAnswer('x', 403, JSON.stringify(status(403, { reason: 'Forbidden', details })));
  expect([of({ causes }), of({}), new Error('403')].map(isNamespaceTerminating)).toEqual([true, false, false]);
}); // prettier-ignore
