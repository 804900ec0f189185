import { afterAll, describe, expect } from '@jest/globals';
import { execa, execaSync } from 'execa';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { testAsRoot } from '../support/as-root.ts';
import { inline, newWorkshop, platformOf, repository, type RunOptions } from '../support/workshop.ts';

const shop = newWorkshop();
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64' })}`];
const spec = {
  ...inline('FROM base', 'RUN uname -m && touch /root-owned && chown app /tmp'),
  verify: { command: ['true'] },
};

const made: string[] = [];
afterAll(() => {
  for (const name of made) execaSync('userdel', ['--remove', name], { reject: false });
});

/** A new user of this machine, and how to run as them: they may be unable to enter the directory of the checkout. */
const newUser = (
  ...options: readonly string[]
): RunOptions & { readonly uid: number; readonly name: string } => {
  const name = `edgebuild-${randomBytes(4).toString('hex')}`;
  execaSync('useradd', ['--create-home', '--user-group', ...options, name]);
  made.push(name);
  const [uid, gid] = ['--user', '--group'].map((which) => Number(execaSync('id', [which, name]).stdout));
  if (uid === undefined || gid === undefined) throw new Error(`${name} has no ids`);
  const repositoryAt = shop.path('checkout');
  mkdirSync(repositoryAt, { recursive: true });
  mkdirSync(shop.path('runtime'), { recursive: true, mode: 0o700 });
  for (const path of [shop.directory, shop.path('temporary'), shop.path('runtime')])
    chownSync(path, uid, gid);
  const become = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all'].join(
    ' ',
  );
  const within = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `mount --bind "$0" "$1" && shift && exec ${become} "$@"`,
    repository,
    repositoryAt,
  ];
  // As every login has it; without one, the container tools make a directory of their own below TMPDIR, and keep it.
  const environment = { XDG_RUNTIME_DIR: shop.path('runtime') };
  return { within, repositoryAt, environment, uid, name };
};

describe('an ordinary user with subordinate ids', () => {
  testAsRoot('builds, proves and writes an image, and no file of it belongs to anybody else', async () => {
    const anna = newUser();
    const ended = await shop.build(spec, base, { ...anna, name: 'first' });
    expect(ended.stderr).toContain('| aarch64');
    expect(platformOf(ended).message).toMatch(/^built in /);
    expect(ended.status).toBe(0);
    expect(statSync(shop.path('first.oci.tar')).uid).toBe(anna.uid);
    const { stdout } = await execa('skopeo', [
      'inspect',
      '--config',
      `oci-archive:${shop.path('first.oci.tar')}`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ architecture: 'arm64' });
    // skopeo makes no directory that an archive does not name for a user who may give it to nobody.
    const copy = [
      'skopeo',
      'copy',
      '--quiet',
      `oci-archive:${shop.path('first.oci.tar')}`,
      `dir:${shop.path('copied')}`,
    ];
    const [program = '', ...rest] = [...(anna.within ?? []), ...copy];
    expect(await execa(program, rest, { reject: false })).toMatchObject({ stderr: '', exitCode: 0 });
    // Their cache is theirs, the sandbox's directory in it is of their subordinate ids: never root's.
    const owners = readdirSync(shop.cache).map((name) => statSync(`${shop.cache}/${name}`).uid);
    expect(owners).not.toContain(0);
    expect(owners.filter((uid) => uid >= 65_536)).toHaveLength(1);
    expect(await shop.remains()).toEqual([]);

    const again = await shop.build(spec, base, { ...anna, name: 'second' });
    expect(again.stderr).toContain('Using cache');
    const pruned = await shop.edgebuild(['build', '--prune'], anna);
    expect([pruned.status, pruned.stdout]).toEqual([0, expect.stringMatching(/^freed [1-9]/)]);
    expect(await shop.remains()).toEqual([]);

    const interrupted = await shop.build(inline('FROM base', 'RUN echo begun-$((1 + 1)); sleep 600'), base, {
      ...{ ...anna, name: 'third' },
      signalAt: { text: '| begun-2', signal: 'SIGINT' },
    });
    expect(interrupted.status).toBe(130);
    expect(await shop.remains()).toEqual([]);

    const without = shop.path('without');
    mkdirSync(without);
    for (const name of readdirSync('/usr/bin')) {
      if (name !== 'newuidmap') symlinkSync(`/usr/bin/${name}`, `${without}/${name}`);
    }
    const lacking = await shop.build(spec, base, {
      ...anna,
      environment: { ...anna.environment, PATH: without },
    });
    expect(lacking.stderr).toMatch(
      /^error: newuidmap is not installed\nto mend it: sudo apt-get install .* uidmap$/m,
    );
    expect(lacking.status).toBe(3);
    expect(await shop.remains()).toEqual([]);
  });
});

describe('a user without subordinate ids', () => {
  testAsRoot('is told the command that gives them', async () => {
    const system = newUser('--system');
    const ended = await shop.build(spec, base, system);
    expect(ended.stderr).toContain(`error: ${system.name} has no range of 65536 subordinate ids`);
    expect(ended.stderr).toMatch(
      new RegExp(`^to mend it: sudo usermod --add-subuids .* ${system.name}$`, 'm'),
    );
    expect(ended.status).toBe(3);
  });
});
