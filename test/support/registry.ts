/** Debian's docker-registry on loopback, with TLS of its own making and, if asked, with passwords. */
import { afterAll } from '@jest/globals';
import { execa, execaSync } from 'execa';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** For CONTAINERS_REGISTRIES_CONF: its certificate is nobody's. */
  readonly registriesConf: string;
  /** Writes a file of credentials for it, and returns the path. */
  readonly authfile: (user: string, password: string) => string;
}

/**
 * @param users passwords by name; none, and everybody may push.
 * @param scheme plain http is what `insecure` allows beside certificates of nobody.
 */
export const startRegistry = async (
  users: Readonly<Record<string, string>> = {},
  scheme: 'http' | 'https' = 'https',
): Promise<Registry> => {
  const directory = mkdtempSync(join(tmpdir(), 'edgebuild-registry-'));
  const path = (name: string): string => join(directory, name);
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execaSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    ...subject,
    '-keyout',
    path('key'),
    '-out',
    path('certificate'),
  ]);
  const passwords = Object.entries(users).map(
    ([user, password]) => execaSync('htpasswd', ['-Bbn', '-C', '4', user, password]).stdout,
  );
  writeFileSync(path('passwords'), `${passwords.join('\n')}\n`);
  const settings = {
    version: 0.1,
    log: { level: 'info', formatter: 'json' },
    storage: { filesystem: { rootdirectory: path('storage') } },
    http: {
      addr: '127.0.0.1:0',
      ...(scheme === 'http' ? {} : { tls: { certificate: path('certificate'), key: path('key') } }),
    },
    ...(passwords.length === 0 ? {} : { auth: { htpasswd: { realm: 'registry', path: path('passwords') } } }),
  };
  writeFileSync(path('config.yml'), JSON.stringify(settings));
  const running = execa('docker-registry', ['serve', path('config.yml')], {
    reject: false,
    stdin: 'ignore',
    buffer: false,
  });
  afterAll(async () => {
    running.kill('SIGKILL');
    await running;
    rmSync(directory, { recursive: true });
  });
  const host = await new Promise<string>((resolve, reject) => {
    let said = '';
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(`127.0.0.1:${port}`);
    };
    running.stdout.on('data', listen);
    running.stderr.on('data', listen);
    void running.then(() => {
      reject(new Error(`docker-registry ended: ${said}`));
    });
  });
  writeFileSync(path('registries.conf'), `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  return {
    ...{ host, registriesConf: path('registries.conf') },
    authfile: (user, password) => {
      const auth = Buffer.from(`${user}:${password}`).toString('base64');
      const file = path(`auth-${Buffer.from(user + password).toString('hex')}.json`);
      writeFileSync(file, JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
      return file;
    },
  };
};
