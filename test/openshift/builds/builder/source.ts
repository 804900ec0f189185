/** The container `git-clone`. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Build, Revision } from '../kinds.ts';
import type { Place, SourceInfo } from './place.ts';
import { type Ended, run, say } from './programs.ts';
import { BuildError, type Timing } from './report.ts';
import { contextOf } from './manage.ts';

/** Volume of the source secret. */
export const sourceVolume = 'source-secret';

const fetchFailed = (message: string): BuildError =>
  new BuildError('FetchSourceFailed', 'Failed to fetch the input source.', message);

/** git's own settings are the secret's alone. */
const authentication = (secret: string, uri: string, place: Place): Readonly<Record<string, string>> => {
  const value = (key: string): string | undefined => {
    const file = join(secret, key);
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  };
  const [username, password, key] = [value('username'), value('password'), value('ssh-privatekey')];
  const settings: [string, string][] = [];
  let ssh = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=no';
  if (password !== undefined) {
    const url = new URL(uri);
    [url.username, url.password] = [username ?? 'builder', password];
    writeFileSync(join(place.temporary, 'credentials'), `${url.origin.replace('//', `//${url.username}:${url.password}@`)}\n`, { mode: 0o600 }); // prettier-ignore
    settings.push(['credential.helper', `store --file=${join(place.temporary, 'credentials')}`]);
  }
  if (existsSync(join(secret, 'ca.crt'))) settings.push(['http.sslCAInfo', join(secret, 'ca.crt')]);
  if (key !== undefined) {
    writeFileSync(join(place.temporary, 'key'), `${key}\n`, { mode: 0o600 });
    ssh += ` -i ${join(place.temporary, 'key')}`;
  }
  return {
    ...{ HOME: place.temporary, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: 'true' },
    ...{ GIT_SSH_COMMAND: ssh, LC_ALL: 'C.UTF-8', GIT_CONFIG_COUNT: String(settings.length) },
    ...Object.fromEntries(
      settings.flatMap(([name, setting], index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, setting],
      ]),
    ),
  };
};

/** Returns the revision; nothing where no git is the source. */
export const cloneSource = async (build: Build, place: Place, timing: Timing): Promise<Revision | undefined> => {
  const { git: source, contextDir = '' } = build.spec.source;
  if (source === undefined) return undefined;
  const { uri } = source;
  rmSync(place.inputs, { recursive: true, force: true });
  for (const directory of [place.inputs, place.temporary]) mkdirSync(directory, { recursive: true });
  const environment = authentication(place.secret(sourceVolume), uri, place);
  const git = (...args: readonly string[]): Promise<Ended> =>
    run({ command: ['git', ...args], directory: place.inputs, environment });
  const must = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await git(...args);
    if (status !== 0) throw fetchFailed(stderr);
    return stdout.trim();
  };
  say(`Cloning ${JSON.stringify(uri)} ...`);
  await checkRemote(uri, git);
  const commit = build.spec.revision?.git?.commit ?? source.ref;
  await timing.step('FetchInputs', 'FetchGitSource', () =>
    must('clone', ...(commit === undefined ? ['--recursive', '--depth=1'] : []), '--quiet', '--', uri, '.'),
  );
  if (commit !== undefined) await checkOut(uri, commit, git, must);
  const info = await sourceInfo(must);
  writeFileSync(place.sourceInfo, JSON.stringify(info));
  say(`\tCommit:\t${info.commit} (${info.message})\n\tAuthor:\t${info.author.name} <${info.author.email}>\n\tDate:\t${info.date}`);
  if (!existsSync(contextOf(build, place))) {
    const message = `provided context directory does not exist: ${contextDir}`;
    throw new BuildError('InvalidContextDirectory', 'The supplied context directory does not exist.', message);
  }
  const { author, committer, message } = info;
  return build.spec.revision ?? { type: 'Git', git: { commit: info.commit, author, committer, message } };
}; // prettier-ignore

const checkRemote = async (uri: string, git: (...args: readonly string[]) => Promise<Ended>): Promise<void> => {
  const { status, stdout, stderr } = await git('ls-remote', '--heads', '--', uri);
  if (status === 0) return;
  const said = stdout + stderr;
  if (said.includes('Authentication failed'))
    throw fetchFailed(`failed to fetch requested repository ${JSON.stringify(uri)} with provided credentials`);
  if (said.includes('not found')) throw fetchFailed(`requested repository ${JSON.stringify(uri)} not found`);
  throw fetchFailed(stderr);
}; // prettier-ignore

/** A ref that a clone does not bring, such as that of a pull request, is fetched. */
const checkOut = async (
  uri: string,
  commit: string,
  git: (...args: readonly string[]) => Promise<Ended>,
  must: (...args: readonly string[]) => Promise<string>,
): Promise<void> => {
  const { status, stderr } = await git('checkout', '--quiet', commit);
  if (status !== 0) {
    if (!stderr.includes('did not match any file')) throw fetchFailed(stderr);
    if ((await git('fetch', '--quiet', '--', uri, commit)).status !== 0) throw fetchFailed(stderr);
    await must('checkout', '--quiet', 'FETCH_HEAD');
  }
  await must('submodule', '--quiet', 'update', '--init', '--recursive');
};

const sourceInfo = async (git: (...args: readonly string[]) => Promise<string>): Promise<SourceInfo> => {
  const format = ['%H', '%s', '%ad', '%an', '%ae', '%cn', '%ce'].join('%n');
  const [commit = '', message = '', date = '', name = '', email = '', ...committer] = (
    await git('log', '-1', `--format=${format}`)
  ).split('\n');
  const ref = await git('rev-parse', '--abbrev-ref', 'HEAD');
  const [committerName = '', committerEmail = ''] = committer;
  return {
    ...{ commit, message, date, ref, author: { name, email } },
    committer: { name: committerName, email: committerEmail },
  };
};
