import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import { EnvironmentError } from '../environment-error.ts';
import { installEmulators } from './emulators.ts';
import { mapRange } from './id-maps.ts';
import { eachLine, tail } from './lines.ts';
import { programStatus } from './programs.ts';
import type { IdRange } from './subordinate-ids.ts';

/**
 * A sandbox runs one program, and all that it starts, as root of namespaces of its own: user, mount, pid and, from
 * Linux 6.7 on, binfmt_misc.
 *
 * Guarantees:
 * - Its ids lie on a subordinate range of the machine: what breaks out is nobody there.
 * - The machine's mounts and binfmt_misc are never touched.
 * - When the program ends, or EdgeBuild does (SIGKILL included), everything in it ends: the program is the first
 *   child of the pid namespace's first process.
 * - Every emulator asked for is proven first: a foreign program runs in this very namespace, or nothing does.
 *
 * Assumption: the shared directory may lie below one that the sandbox's ids cannot enter (/root). It is therefore
 * entered as the working directory before the ids change, and mounted from there.
 */
export interface SandboxSetup {
  /** Shown inside as `sandboxRoot`. What the sandbox is to write must belong to its ids. */
  readonly sharedDirectory: string;
  readonly ids: IdRange;
  /** The user is root, and maps ids by itself; others need newuidmap. */
  readonly asRoot: boolean;
  /** Lines for binfmt_misc's `register`, with the probe that proves each. */
  readonly emulators: readonly Emulator[];
}

export interface Emulator {
  readonly platform: string;
  /** See `registration`. */
  readonly registration: string;
  /** Path inside of a program that ends with `probeStatus`. */
  readonly probe: string;
}

export interface SandboxCommand {
  readonly command: readonly [string, ...string[]];
  /** Nothing of the caller's environment is inherited. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: Readable;
  readonly signal: AbortSignal;
  /** Every line of stdout and stderr as they come, cut at 4 KiB. */
  readonly onLine?: (line: string) => void;
}

/** Where the shared directory stands inside. */
export const sandboxRoot = '/tmp/edgebuild';

/**
 * Runs a command in a new sandbox and returns its exit status (128 + n if signal n ended it).
 *
 * @throws EnvironmentError if the namespaces cannot be made or an emulator is not proven.
 * @throws the signal's reason when it was aborted; by then nothing of the sandbox runs any more.
 */
export const runInSandbox = async (setup: SandboxSetup, command: SandboxCommand): Promise<number> => {
  command.signal.throwIfAborted();
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'unshare', '--user', '--keep-caps', 'bash', '-c', ...scripts, ...command.command],
    {
      cwd: setup.sharedDirectory,
      env: sandboxEnvironment(setup, command),
      stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore', 'pipe'],
    },
  );
  const end = (): void => {
    child.kill('SIGKILL');
  };
  command.signal.addEventListener('abort', end, { once: true });
  const ended = programStatus(child, 'setpriv');
  const output = tail(3);
  try {
    const [status, failure] = await Promise.all([
      ended,
      converse(child, setup),
      feed(child, command.stdin),
      eachLine(child.stdout, (line) => {
        output.add(line);
        command.onLine?.(line);
      }),
    ]);
    command.signal.throwIfAborted();
    if (failure !== undefined) throw failure(output.lines());
    return status;
  } catch (error) {
    end();
    await ended.catch(() => undefined);
    throw error;
  } finally {
    command.signal.removeEventListener('abort', end);
  }
};

const sandboxEnvironment = (setup: SandboxSetup, command: SandboxCommand): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/tmp/home',
  XDG_RUNTIME_DIR: '/tmp/run',
  ...command.environment,
  EDGEBUILD_EMULATORS: setup.emulators
    .map(({ platform, registration, probe }) => `${platform} ${probe} ${registration}\n`)
    .join(''),
});

/**
 * Outside of the pid namespace. Descriptor 3 leads to us: `unshared` asks for the id maps, a line back says that they
 * are written. A change of ids clears the death signal, so it is set again after each.
 */
const enterScript = `
echo unshared >&3
read -r mapped <&3 || exit 125
exec setpriv --reuid 0 --regid 0 --clear-groups --inh-caps -all --ambient-caps -all --pdeathsig KILL bash -c "$@"
`;

/**
 * As root of the user namespace. The pipe is made here, so that it belongs to the sandbox's root and programs can open
 * /dev/stdout; it ends when everything inside has. Descriptors that our caller left open stay outside.
 */
const isolateScript = `
set -o pipefail
for descriptor in /proc/$$/fd/*; do
  descriptor=\${descriptor##*/}
  if [ "$descriptor" -gt 3 ]; then exec {descriptor}>&-; fi
done
setpriv --pdeathsig KILL unshare --mount --propagation private --ipc --uts --pid --fork --kill-child=KILL --mount-proc \\
  sh -c "$@" 2>&1 | cat 3>&-
`;

/**
 * First process of the pid namespace. It stays: it waits for the command and reaps what the command leaves behind.
 * Each failure of the set-up is said on descriptor 3 by name; the command itself does not have that descriptor.
 */
const insideScript = `
fail() { echo "$*" >&3; exit 125; }
if mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null; then own=yes; else own=no; fi
mount -t tmpfs -o mode=1777 tmpfs /var/cache || fail mount /var/cache
mount -t tmpfs -o mode=1777 tmpfs /tmp || fail mount /tmp
mkdir -m 700 /tmp/home /tmp/run && mkdir ${sandboxRoot} || fail mount directories
mount --no-canonicalize --bind . ${sandboxRoot} || fail mount ${sandboxRoot}
cd ${sandboxRoot} || fail mount ${sandboxRoot}
printf %s "$EDGEBUILD_EMULATORS" | while read -r platform probe line; do
  if [ $own = yes ]; then printf %s "$line" >/proc/sys/fs/binfmt_misc/register || fail register "$platform"; fi
  "$probe" >/dev/null 2>&1; status=$?
  [ $status = 42 ] || fail probe "$platform" $own $status
done || exit 125
unset EDGEBUILD_EMULATORS
echo running >&3
exec 3>&-
"$@"
`;

/** Each script is given the rest as its arguments, and runs the first of them: `bash -c SCRIPT NAME ARGUMENTS`. */
const scripts = [enterScript, 'sandbox', isolateScript, 'sandbox', insideScript, 'sandbox'];

/** Writes the id maps when asked; returns why the command was not run, if it was not. */
const converse = async (
  child: ChildProcess,
  setup: SandboxSetup,
): Promise<((output: readonly string[]) => EnvironmentError) | undefined> => {
  const channel = child.stdio[3] as Duplex;
  let said = '';
  await eachLine(channel, async (line) => {
    said = line;
    if (line !== 'unshared') return;
    if (child.pid !== undefined) await mapRange(child.pid, setup.ids, setup.asRoot);
    channel.write('mapped\n');
  });
  if (said === 'running') return undefined;
  return (output) => (said === '' || said === 'unshared' ? notEntered(output) : setupFailure(said));
};

const feed = async (child: ChildProcess, stdin: Readable | undefined): Promise<void> => {
  if (stdin === undefined || child.stdin === null) return;
  // A program that ends without reading all of its input is judged by its exit status.
  await pipeline(stdin, child.stdin).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
};

const notEntered = (output: readonly string[]): EnvironmentError =>
  new EnvironmentError(
    `user namespaces are forbidden or restricted on this machine${output.length > 0 ? ` (${output.join('; ')})` : ''}`,
    'sudo sysctl -w user.max_user_namespaces=15000, and where they exist kernel.unprivileged_userns_clone=1 and ' +
      'kernel.apparmor_restrict_unprivileged_userns=0; inside of a container, run it outside',
  );

/** What the inside reported, in words: `mount WHERE`, `register PLATFORM`, `probe PLATFORM OWN STATUS`. */
const setupFailure = (line: string): EnvironmentError => {
  const [what = '', subject = '', own, status] = line.split(' ');
  if (what === 'mount') {
    return new EnvironmentError(
      `the sandbox may not mount ${subject}: user namespaces are restricted on this machine`,
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run outside of a container',
    );
  }
  if (what === 'register') {
    return new EnvironmentError(`the kernel refused the emulator for ${subject}`, installEmulators);
  }
  const where =
    own === 'yes'
      ? `the emulator for ${subject} is registered but a program did not run (status ${status ?? '?'})`
      : `this kernel has no binfmt_misc of a namespace's own (Linux 6.7), and the machine's does not run ${subject}`;
  return new EnvironmentError(
    where,
    own === 'yes'
      ? installEmulators
      : 'use Linux 6.7 or later, or register handlers: sudo apt-get install qemu-user-static binfmt-support',
  );
};
