import { describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { processesNaming } from '../support/remains.ts';
import { inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64' })}`];

describe('--context DIR', () => {
  test('is built from a folder of the machine: modes, links and all, but what .dockerignore leaves out', async () => {
    shop.write('context/private', 'for the owner\n', 0o600);
    chmodSync(shop.write('context/tool', '#!/bin/sh\necho tool runs\n'), 0o755);
    shop.write('context/left/out', 'x');
    shop.write('context/.dockerignore', 'left\n*.log\n');
    shop.write('context/a.log', 'x');
    symlinkSync('private', shop.path('context/link'));
    symlinkSync('/etc/passwd', shop.path('context/absolute'));
    symlinkSync('nowhere', shop.path('context/dangling'));
    shop.write(
      'context/Dockerfile',
      [
        'FROM base',
        'COPY . /c',
        'RUN cat /c/private /c/link && /c/tool',
        'RUN stat -c "%a %n" /c/* && ls -l /c',
        '',
      ].join('\n'),
    );
    const ended = await shop.build({ source: { git: { uri: 'https://example.org/not-asked' } } }, [
      ...base,
      ...['--context', shop.path('context')],
    ]);
    expect(platformOf(ended).message).toMatch(/^built in /);
    expect(ended.stderr.match(/\| for the owner/g)).toHaveLength(2);
    for (const line of [
      '| tool runs',
      '| 600 /c/private',
      '| 755 /c/tool',
      'link -> private',
      'absolute -> /etc/passwd',
      'dangling -> nowhere',
    ]) {
      expect(ended.stderr).toContain(line);
    }
    expect(ended.stderr).not.toMatch(/\/c\/(left|a\.log)/);
    expect(await shop.remains()).toEqual([]);
  });

  test('is not changed by the build, and nothing outside of it can be copied', async () => {
    shop.write('outside', 'not to be seen');
    shop.write('inner/file', 'x');
    symlinkSync('../outside', shop.path('inner/out'));
    const ended = await shop.build(inline('FROM base', 'COPY out /got', 'RUN cat /got'), [
      ...base,
      ...['--context', shop.path('inner')],
    ]);
    expect(platformOf(ended)).toMatchObject({ state: 'Failed' });
    expect(ended.stderr).not.toContain('not to be seen');
  });

  test.each([
    ['a Dockerfile', { dockerfilePath: 'out' }],
    ['a directory', { contextDir: 'etc', dockerfilePath: 'passwd' }],
  ])('that leads out through a symbolic link is refused: %s', async (_, paths) => {
    shop.write('leading/x', 'x');
    for (const [target, name] of [
      ['/etc/passwd', 'out'],
      ['/etc', 'etc'],
    ] as const) {
      try {
        symlinkSync(target, shop.path(`leading/${name}`));
      } catch {
        // It is there from the other row.
      }
    }
    const ended = await shop.build({ source: { git: { uri: 'https://example.org/x' }, ...paths } }, [
      '--context',
      shop.path('leading'),
    ]);
    expect(platformOf(ended)).toMatchObject({ reason: 'FetchSourceFailed' });
    expect(platformOf(ended).message).toContain('leads out of the source through a symbolic link');
    expect(ended.stderr).not.toContain('root:');
    expect(ended.status).toBe(1);
  });
});

describe('build arguments', () => {
  const hostile = {
    ...{ LD_PRELOAD: '/evil.so', BASH_ENV: '/evil.sh', NODE_OPTIONS: '--require=/evil.js' },
    ...{ GIT_SSL_NO_VERIFY: '1', http_proxy: 'http://127.0.0.1:9/', PLAIN: 'as asked' },
  };
  const buildArgs = Object.entries(hostile).map(([name, value]) => ({ name, value }));
  /** Writes down the environment it is given, then does its work. */
  const spy = (name: string): string =>
    `#!/bin/sh\nenv >>'${shop.path('seen')}'\nPATH=$(printf %s "$PATH" | sed 's|^[^:]*:||') exec ${name} "$@"\n`;

  test('reach the ARG of the Dockerfile, and no environment: of git, skopeo, buildah or a step without ARG', async () => {
    for (const name of ['git', 'skopeo', 'buildah']) shop.write(`spies/${name}`, spy(name), 0o755);
    const ended = await shop.build(
      {
        source: {
          git: { uri: 'git://127.0.0.1:1/refused' },
          dockerfile:
            'FROM base\nRUN env\nARG PLAIN\nARG LD_PRELOAD\nRUN echo "given: $PLAIN, $LD_PRELOAD"\n',
        },
        buildArgs,
      },
      [...base, '--context', shop.path('spies')],
      { environment: { PATH: `${shop.path('spies')}:${process.env['PATH'] ?? ''}` } },
    );
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain('| given: as asked, /evil.so');
    const before = ended.stderr.slice(0, ended.stderr.indexOf('ARG PLAIN'));
    expect(before).toMatch(/\| PATH=/);
    // What Docker predefines, proxies, is given to every step: nothing else is.
    expect(before).not.toMatch(/evil|NO_VERIFY|as asked/);
    const seen = readFileSync(shop.path('seen'), 'utf8');
    expect(seen).toMatch(/^PATH=/m);
    expect(seen).not.toMatch(/evil|NO_VERIFY|as asked|127\.0\.0\.1:9/);
  });

  test('are in the environment of no process around the step, buildah’s included', async () => {
    const environments: string[] = [];
    // The step asks this server, and waits until everything around it was looked at.
    const server = createServer((_, response) => {
      for (const found of processesNaming(shop.cache)) {
        const pid = /^process (\d+): buildah /.exec(found)?.[1];
        if (pid !== undefined) environments.push(readFileSync(`/proc/${pid}/environ`, 'utf8'));
      }
      response.end('looked');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ended = await shop.build(
      { ...inline('FROM base', `RUN wget -Y off -O /looked http://127.0.0.1:${port}/`), buildArgs },
      base,
    );
    server.close();
    expect(ended.status).toBe(0);
    expect(environments.length).toBeGreaterThan(0);
    for (const one of environments) {
      expect(one).toContain('BUILDAH_ISOLATION=chroot');
      expect(one).not.toMatch(/evil|NO_VERIFY|as asked|127\.0\.0\.1:9/);
    }
  });

  test('are not read as options or commands, whatever is in them', async () => {
    const value = `--isolation=host "; touch ${shop.path('ran')}; $(id) \n second line`;
    const ended = await shop.build(
      {
        ...inline('FROM base', 'ARG A', 'RUN printf \'%s\' "$A" >/a && cat /a'),
        buildArgs: [{ name: 'A', value }],
      },
      base,
    );
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain(`| --isolation=host "; touch ${shop.path('ran')}; $(id)`);
    expect(existsSync(shop.path('ran'))).toBe(false);
  });
});
