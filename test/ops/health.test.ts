import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { request as send } from 'node:http';
import { connect } from 'node:net';
import { parseBindAddress } from '../../src/ops/bind-address.ts';
import {
  type Checks,
  healthRoutes,
  metricsRoutes,
  type Routes,
  type RunningServer,
  startServer,
} from '../../src/ops/health.ts';
import { createMetrics } from '../../src/ops/metrics.ts';

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

const flag = '--health-probe-bind-address';
const serve = async (routes: Routes, address = '127.0.0.1:0', onError?: (error: unknown) => void) => {
  const server = await startServer({ address, flag, routes, ...(onError === undefined ? {} : { onError }) });
  running.push(server);
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port ?? 0}${path}`, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { server, ask };
};

const checks = (live: Checks, ready: Checks = live): Routes => healthRoutes({ live, ready });

describe('a probe', () => {
  const good: Checks = { ping: () => undefined, watches: () => undefined };
  const bad: Checks = {
    ping: () => undefined,
    watches: () => 'no event\nfor 5m0s',
    queue: () => {
      throw new Error('boom');
    },
  };

  test.each<[string, Checks, string, number, string]>([
    ['is ok', good, '/readyz', 200, 'ok'],
    ['is ok with a query', good, '/readyz?timeout=1s', 200, 'ok'],
    [
      ...(['says more when asked', good, '/readyz?verbose', 200] as [string, Checks, string, number]),
      '[+]ping ok\n[+]watches ok\nreadyz check passed\n',
    ],
    [
      ...(['says what failed, each check in a line', bad, '/readyz', 503] as [
        string,
        Checks,
        string,
        number,
      ]),
      '[+]ping ok\n[-]watches failed: no event for 5m0s\n[-]queue failed: the check itself failed: boom\nreadyz check failed\n',
    ],
    ['of one check is ok though others fail', bad, '/readyz/ping', 200, 'ok'],
    [
      'of one check fails',
      bad,
      '/livez/watches',
      503,
      '[-]watches failed: no event for 5m0s\nlivez check failed\n',
    ],
    ['of no such check is not found', good, '/readyz/other', 404, 'not found\n'],
    ['of no own name is not found', good, '/readyz/toString', 404, 'not found\n'],
    ['without checks is ok', {}, '/healthz', 200, 'ok'],
  ])('%s', async (_, given, path, status, text) => {
    const { ask } = await serve(checks(given));
    expect(await ask(path)).toMatchObject({ status, text });
  });

  test('asks the checks anew each time, and live and ready are two', async () => {
    let fault: string | undefined = 'caches are not filled';
    const { ask } = await serve(checks({}, { caches: () => fault }));
    expect((await ask('/readyz')).status).toBe(503);
    for (const path of ['/livez', '/healthz']) expect((await ask(path)).status).toBe(200);
    fault = undefined;
    expect((await ask('/readyz')).status).toBe(200);
  });

  test('shows no secret', async () => {
    const { ask } = await serve(checks({ api: () => 'https://me:hunter2@api refused us' }));
    expect((await ask('/livez')).text).not.toContain('hunter2');
  });
});

test('metrics are served in the format of Prometheus', async () => {
  const metrics = createMetrics();
  metrics.leader('edgebuild.io', true);
  const { ask } = await serve(metricsRoutes(metrics.registry));
  const { status, text, headers } = await ask('/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text).toContain('leader_election_master_status{name="edgebuild.io"} 1');
  expect((await ask('/metrics/x')).status).toBe(404);
});

describe('the server', () => {
  test.each(['/', '/x', '//', '/__proto__', '/toString', '/livezz', '/%6civez', '/livez/../x/%00'])(
    'finds nothing at %s',
    async (path) => {
      const { ask } = await serve(checks({}));
      expect(await ask(path)).toMatchObject({ status: 404, text: 'not found\n' });
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('does not allow %s', async (method) => {
    const { ask } = await serve(checks({}));
    const { status, headers } = await ask('/livez', {
      method,
      ...(method === 'OPTIONS' ? {} : { body: 'x' }),
    });
    expect(status).toBe(405);
    expect(headers.get('allow')).toBe('GET, HEAD');
  });

  test('answers HEAD without a body', async () => {
    const { ask } = await serve(checks({}));
    expect(await ask('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  test('tells its own faults to the log, not to who asks', async () => {
    const errors: unknown[] = [];
    const fault = new Error('secret place');
    const { ask } = await serve({ '/x': () => Promise.reject(fault) }, '127.0.0.1:0', (error) =>
      errors.push(error),
    );
    expect(await ask('/x')).toMatchObject({ status: 500, text: 'internal error\n' });
    expect(errors).toEqual([fault]);
  });

  test('refuses headers that are too large, and goes on', async () => {
    const { ask } = await serve(checks({}));
    const { status } = await ask('/livez', { headers: { 'x-a': 'a'.repeat(20_000) } });
    expect(status).toBe(431);
    expect((await ask('/livez')).status).toBe(200);
  });

  test('drops who does not finish their request', async () => {
    const { server } = await serve(checks({}));
    const socket = connect(server.port ?? 0, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n');
    await once(socket, 'close');
  }, 15_000);

  test('ends at once, though connections are open, and may be ended twice', async () => {
    const { server } = await serve({ '/slow': () => new Promise(() => undefined) });
    const slow = send({ port: server.port, host: '127.0.0.1', path: '/slow' }).end();
    const broken = once(slow, 'error');
    await once(slow, 'socket');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const begin = performance.now();
    await server.close();
    await server.close();
    // The one request is never answered.
    expect(performance.now() - begin).toBeLessThan(10_000);
    await broken;
  });
});

describe('an address', () => {
  test.each([
    [':8081', { host: undefined, port: 8081 }],
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::]:8081', { host: '::', port: 8081 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['0', 'off'],
    ...['', '8081', ':', ':x', ':65536', 'a b:1', '::1:80', '[::1]', 'http://a:1', ':-1', ':1/'].map(
      (text): [string, undefined] => [text, undefined],
    ),
  ])('%j is %j', (text, expected) => {
    expect(parseBindAddress(text)).toEqual(expected);
  });

  test('0 serves nothing', async () => {
    const { server } = await serve(checks({}), '0');
    expect(server.port).toBeUndefined();
  });

  test('without a host is every IPv4 interface, too', async () => {
    const { ask } = await serve(checks({}), ':0');
    expect((await ask('/livez')).status).toBe(200);
  });

  test.each<[string, (port: number) => string, RegExp]>([
    ['in use', (port) => `127.0.0.1:${port}`, /cannot listen on "127\.0\.0\.1:\d+": the port is in use/],
    ['of another machine', () => '192.0.2.1:0', /this machine has no such address/],
    ['that is none', () => 'nonsense', /"nonsense" is no address/],
  ])('%s is named with its flag and a remedy', async (_, address, message) => {
    const { server } = await serve(checks({}));
    const failed = serve(checks({}), address(server.port ?? 0));
    await expect(failed).rejects.toMatchObject({
      name: 'EnvironmentError',
      message: expect.stringMatching(message),
      remedy: expect.stringContaining(flag),
    });
    await expect(failed).rejects.toThrow(flag);
  });
});
