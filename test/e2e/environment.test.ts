import { describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { platformOf } from '../../src/api/platforms.ts';
import { registration } from '../../src/engines/local/binfmt.ts';
import { findEmulator } from '../../src/engines/local/emulators.ts';
import { asRoot, testAsRoot } from '../support/as-root.ts';
import { inline, newWorkshop } from '../support/workshop.ts';

const shop = newWorkshop();
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64' })}`];
const spec = inline('FROM base', 'RUN uname -m');

/** A machine's lack: exit 3, what lacks and the command that mends it, no object, no destination. */
const lacks = async (
  options: Parameters<typeof shop.build>[2],
  message: RegExp,
  remedy: RegExp,
): Promise<void> => {
  const ended = await shop.build(spec, base, { name: 'lacking', ...options });
  expect(ended.stderr).not.toContain('This is a bug');
  expect(ended.stderr).toMatch(message);
  expect(/^to mend it: (.*)$/m.exec(ended.stderr)?.[1]).toMatch(remedy);
  expect([ended.status, ended.stdout]).toEqual([3, '']);
  expect(readdirSync(shop.directory)).not.toContain('lacking.oci.tar');
  expect(await shop.remains()).toEqual([]);
};

/** A PATH with every program of the machine but these. */
const pathWithout = (...names: readonly string[]): string => {
  const directory = shop.path(`without-${names.join('-')}`);
  mkdirSync(directory);
  for (const from of [
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/sbin',
    dirname(process.execPath),
  ]) {
    for (const name of readdirSync(from)) {
      if (names.includes(name)) continue;
      try {
        symlinkSync(`${from}/${name}`, `${directory}/${name}`);
      } catch {
        // An earlier directory has it.
      }
    }
  }
  return directory;
};

describe('a program that is missing is named, with the command that installs it', () => {
  test.each([
    ['buildah', 'buildah'],
    ['skopeo', 'skopeo'],
  ])('%s', async (program, debian) => {
    await lacks(
      { environment: { PATH: pathWithout(program) } },
      new RegExp(`^error: ${program} is not`, 'm'),
      new RegExp(`^sudo apt-get install --no-install-recommends ${debian}$`),
    );
  });

  test('git, where the source is a repository', async () => {
    const ended = await shop.build({ source: { git: { uri: 'git://127.0.0.1:1/x' } } }, base, {
      environment: { PATH: pathWithout('git') },
    });
    expect(ended.stderr).toMatch(/^error: git is not installed\nto mend it: sudo apt-get install .* git$/m);
    expect(ended.status).toBe(3);
  });

  test('QEMU’s emulator of the platform', async () => {
    // Emulators are looked for where they are installed, and hidden there, in a mount namespace of this test's own.
    const hide = 'for f in /usr/bin/qemu-aarch64*; do mount --bind /dev/null "$f"; done; exec "$@"';
    await lacks(
      { within: ['unshare', ...(asRoot ? [] : ['--map-root-user']), '--mount', 'sh', '-c', hide, 'sh'] },
      /^error: no emulator for linux\/arm64 \(qemu-aarch64-static\)$/m,
      /^sudo apt-get install --no-install-recommends qemu-user-static/,
    );
  });
});

/** Runs in a user namespace with all ids of this machine: a machine to be changed at will. `$SAID` is the text. */
const inside = (script: string, said = ''): readonly string[] => {
  const outside = `
    unshare --user --mount sleep 600 & pid=$!
    while [ "$(readlink /proc/$pid/ns/user)" = "$(readlink /proc/self/ns/user)" ]; do :; done
    echo 0 0 4294967295 >/proc/$pid/uid_map && echo 0 0 4294967295 >/proc/$pid/gid_map
    export SAID='${said}'
    nsenter --user --mount --target $pid -- sh -c '${script}; unset SAID; exec "$@"' sh "$@"
    status=$?; kill $pid; exit $status`;
  return ['bash', '-c', outside, 'bash'];
};

/**
 * A machine with a binfmt_misc of its own, whose mount(8) refuses to mount another, as Linux before 6.7 does: that alone
 * is played, all else is the kernel.
 */
const oldMachine = (tools: string, handler: string): readonly string[] =>
  inside(
    `mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && mount --bind ${tools}/mount /usr/bin/mount || exit 99
     [ -z "$SAID" ] || printf %s "$SAID" >/proc/sys/fs/binfmt_misc/register || exit 98`,
    handler,
  );

describe('namespaces that are forbidden are told, with the deed that allows them', () => {
  testAsRoot('no user namespace may be made', async () => {
    // The limit is one of the namespace that it is written in.
    await lacks(
      { within: inside('echo 0 >/proc/sys/user/max_user_namespaces || exit 99') },
      /^error: user namespaces are forbidden or restricted on this machine/m,
      /^sudo sysctl -w user\.max_user_namespaces=\d+/,
    );
  });

  test('no subordinate ids can be mapped, inside of somebody else’s user namespace', async () => {
    await lacks(
      { within: ['unshare', '--user', '--map-root-user'] },
      /^error: .*\bids\b/m,
      /user namespace|subordinate ids/,
    );
  });
});

describe('a kernel before Linux 6.7, where a sandbox has no binfmt_misc of its own', () => {
  // Not below /tmp, which sandboxes hide.
  const place = newWorkshop('/var/tmp');
  chmodSync(place.directory, 0o755);
  place.write(
    'mount',
    `#!/bin/sh\ncase "$*" in *binfmt_misc*) exit 32;; esac\nexec ${place.path('real')} "$@"\n`,
    0o755,
  );
  place.write('real', readFileSync('/usr/bin/mount'), 0o755);

  testAsRoot('uses the machine’s own handlers, if a foreign program proves to run', async () => {
    const arm64 = platformOf('linux/arm64');
    const handler = registration(arm64, await findEmulator(arm64));
    const ended = await shop.build(spec, [...base, '--no-cache'], {
      within: oldMachine(place.directory, handler),
    });
    expect(ended.stderr).toContain('| aarch64');
    expect(ended.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  testAsRoot('or ends with 3 and says what there is to do', async () => {
    await lacks(
      { within: oldMachine(place.directory, '') },
      /^error: this kernel has no binfmt_misc of a namespace's own \(Linux 6\.7\), and the machine's does not run linux\/arm64$/m,
      /^use Linux 6\.7 or later, or .*sudo apt-get install /,
    );
  });
});

test('what the caller’s environment holds reaches neither git, skopeo and buildah nor a step', async () => {
  const seen = shop.path('seen');
  // The programs' own shell is told nothing: it writes down what it got, and goes on as the real one.
  for (const name of ['git', 'skopeo', 'buildah'])
    shop.write(
      `spies/${name}`,
      `#!/bin/sh\n{ echo called=${name}; env; } >>'${seen}'\nPATH=\${PATH#*:} exec ${name} "$@"\n`,
      0o755,
    );
  const PATH = `${shop.path('spies')}:${process.env['PATH'] ?? ''}`;
  const environment = {
    PATH,
    SECRET_TOKEN: 'canary-of-the-caller',
    BASH_ENV: '/canary',
    GIT_SSL_NO_VERIFY: 'canary',
  };
  const pulled = ['--base', 'base=docker://127.0.0.1:1/absent:1'];
  const stepped = await shop.build(inline('FROM base', 'RUN env'), base, { environment });
  await shop.build(inline('FROM base'), pulled, { environment });
  await shop.build({ source: { git: { uri: 'git://127.0.0.1:1/x' } } }, base, { environment });
  expect(stepped.status).toBe(0);
  expect(stepped.stderr).toContain('| PATH=');
  expect(stepped.stderr).not.toContain('canary');
  const said = readFileSync(seen, 'utf8');
  for (const name of ['git', 'skopeo', 'buildah']) expect(said).toContain(`called=${name}\n`);
  expect(said).not.toContain('canary');
  expect(await shop.remains()).toEqual([]);
});
