/**
 * Runs a command, with the terminal of the caller, as root of user, mount, pid, network, uts and ipc namespaces of its
 * own. Its ids are the machine's: containers need a range of them, and whoever opens a box is root already.
 *
 * When the command ends, or the caller does (SIGKILL included), all that it started ends with it, and so do its mounts:
 * the command's parent is the first process of the pid namespace.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';

export interface NamespacedCommand {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** A network to the outside (slirp4netns: interface tap0, DNS at 10.0.2.3); loopback alone otherwise. */
  readonly network: boolean;
}

/** Becomes root of the new namespaces once the ids are mapped. A change of ids clears the death signal. */
const enterScript = `
echo unshared >&3
read -r mapped <&3 || exit 125
exec setpriv --reuid 0 --regid 0 --clear-groups --inh-caps -all --ambient-caps -all --pdeathsig KILL \\
  unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc bash -c "$@"
`;

/**
 * First process of the pid namespace: it reaps what the others leave behind. Ctrl-C is for the command, not for it.
 * - Mounts are shared, as on a host with systemd, or pods may not ask for Bidirectional propagation.
 * - kubelet and the network plugins write below /var/lib at places that no setting moves, so what is written there
 *   stays in the box. Where containers are stored cannot be an overlay, since overlays are made of it.
 * - Control groups would outlive the box: nobody may make any. So pods have no limits here.
 * - binfmt_misc is this user namespace's own from Linux 6.7 on. On an older kernel the machine's must not be touched.
 */
const insideScript = `
trap : INT
fail() { echo "box: $*" >&2; exit 125; }
memory() { mkdir -p "$1" && mount -t tmpfs -o mode=755 tmpfs "$1" || fail "cannot mount $1"; }
mount --make-rshared / || fail 'cannot share mounts'
memory /run
mkdir -p /run/var-lib/upper /run/var-lib/work
mount -t overlay -o userxattr,lowerdir=/var/lib,upperdir=/run/var-lib/upper,workdir=/run/var-lib/work overlay /var/lib ||
  fail 'cannot mount /var/lib'
for directory in kubelet cni containers; do memory /var/lib/$directory; done
memory /var/log
while read -r _ target _; do
  case $target in /sys/fs/cgroup*) mount -o remount,bind,ro "$target" || fail "cannot protect $target" ;; esac
done </proc/self/mounts
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || fail 'no binfmt_misc of its own: Linux 6.7 or later is needed'
ip link set lo up || fail 'cannot set up loopback'
exec 3>&-
"$@"
exit $?
`;

/** Returns the command's exit status: 128 + n if signal n ended it. */
export const runInNamespaces = async (options: NamespacedCommand): Promise<number> => {
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--user', '--net', '--uts', '--ipc', '--keep-caps'],
      ...['bash', '-c', enterScript, 'box', insideScript, 'box', ...options.command],
    ],
    { env: { ...process.env, ...options.environment }, stdio: ['inherit', 'inherit', 'inherit', 'pipe'] },
  );
  // Ctrl-C reaches the whole foreground group of the terminal. What it ends is for those inside to decide.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  const ended = once(child, 'exit');
  const network = converse(child, options.network);
  const [status, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  process.off('SIGINT', ignore);
  (await network)?.kill('SIGKILL');
  if (signal !== null) throw new Error(`the box was ended by ${signal}`);
  return status ?? 125;
};

/** Maps the ids when asked, and gives the namespace its network. */
const converse = async (child: ChildProcess, network: boolean): Promise<ChildProcess | undefined> => {
  const { pid } = child;
  if (pid === undefined) return undefined;
  const channel = child.stdio[3] as Duplex;
  channel.on('error', () => undefined);
  for await (const line of createInterface(channel)) {
    if (line !== 'unshared') continue;
    // From outside: only a parent that is root may map a range.
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 65536');
    const slirp = network ? startSlirp(pid) : undefined;
    channel.write('mapped\n');
    return slirp;
  }
  return undefined;
};

const startSlirp = (pid: number): ChildProcess => {
  const slirp = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'slirp4netns', '--configure', '--mtu=65520', '--disable-host-loopback'],
      ...[String(pid), 'tap0'],
    ],
    { stdio: 'ignore', detached: true },
  );
  slirp.on('error', (error) => {
    process.stderr.write(`box: no slirp4netns: ${error.message}\n`);
  });
  slirp.unref();
  return slirp;
};
