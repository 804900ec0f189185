import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reasons, type Reason } from '../../src/api/conditions.ts';
import { classify, howItEnded, isWorthARetry, ownWords } from '../../src/engines/failure.ts';

const crash = 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped';

describe('the cause of a failure is told from the last lines', () => {
  test.each<[string, Reason, 'Native' | 'Emulated', ...string[]]>([
    ['QEMU says that a program crashed', 'EmulatorCrashed', 'Emulated', crash],
    [
      'QEMU says so among what buildah adds',
      'EmulatorCrashed',
      'Emulated',
      ...['compiling', crash, 'subprocess exited on segmentation fault', 'Error: exit status 1'],
    ],
    [
      'QEMU aborts by itself',
      'EmulatorCrashed',
      'Emulated',
      'qemu: uncaught target signal 6 (Aborted) - core dumped',
    ],
    ['QEMU does not know an instruction', 'EmulatorCrashed', 'Emulated', 'qemu: unhandled CPU exception 0x1'],
    ['a shell tells of a crash', 'EmulatorCrashed', 'Emulated', 'Segmentation fault (core dumped)'],
    ['a shell passes the status of a crash on', 'EmulatorCrashed', 'Emulated', 'exit status 139'],
    ['a program crashes natively', 'DockerfileStepFailed', 'Native', 'Segmentation fault (core dumped)'],
    ['the kernel killed the step', 'OutOfMemory', 'Emulated', 'subprocess exited on killed'],
    ['the kernel killed a child of it', 'OutOfMemory', 'Native', 'Error: exit status 137'],
    ['a compiler was killed', 'OutOfMemory', 'Native', 'go build: signal: killed'],
    ['no memory is given', 'OutOfMemory', 'Native', 'fork: Cannot allocate memory'],
    ['a foreign program', 'ExecFormatError', 'Native', 'exec container process `/bin/sh`: Exec format error'],
    ['a foreign program, to a shell', 'ExecFormatError', 'Emulated', '/bin/sh: /tool: exec format error'],
    ['no space', 'DiskFull', 'Native', "cp: error writing '/big': No space left on device"],
    ['no space, in Go’s words', 'DiskFull', 'Native', 'write /x/layer.tar: no space left on device'],
    [
      'no space for a layer, of which buildah says no more',
      'DiskFull',
      'Emulated',
      'Error: committing container for step {Command:run}: initializing source containers-storage:x: storing layer "34afa7fc" to file: io: read/write on closed pipe',
    ],
    ['no space for this user', 'DiskFull', 'Native', "cp: error writing '/big': Disk quota exceeded"],
    ['no space, then a crash of it', 'DiskFull', 'Emulated', 'no space left on device', crash],
    [
      'apt does not find its mirror',
      'NetworkFailed',
      'Emulated',
      "Err:1 http://deb.debian.org/debian bookworm InRelease  Temporary failure resolving 'deb.debian.org'",
    ],
    [
      'apt does not reach its mirror',
      'NetworkFailed',
      'Native',
      'Could not connect to deb.debian.org:80 (151.101.2.132), connection timed out',
    ],
    ['curl does not find a host', 'NetworkFailed', 'Native', 'curl: (6) Could not resolve host: example.org'],
    [
      'curl is refused',
      'NetworkFailed',
      'Native',
      'curl: (7) Failed to connect to 127.0.0.1 port 1 after 0 ms: Connection refused',
    ],
    [
      'busybox wget is refused',
      'NetworkFailed',
      'Emulated',
      "wget: can't connect to remote host (127.0.0.1): Connection refused",
    ],
    ['Go does not find a host', 'NetworkFailed', 'Native', 'dial tcp: lookup proxy.golang.org: no such host'],
    [
      'a proxy gives up',
      'NetworkFailed',
      'Native',
      'E: Failed to fetch http://x/y  503  Service Unavailable',
    ],
    ['npm’s connection breaks', 'NetworkFailed', 'Native', 'npm error network read ECONNRESET'],
    ['curl is told so', 'NetworkFailed', 'Native', 'curl: (22) The requested URL returned error: 503'],
    [
      'curl waits too long',
      'NetworkFailed',
      'Native',
      'curl: (28) Operation timed out after 3000 milliseconds',
    ],
    ['busybox does not find a host', 'NetworkFailed', 'Emulated', "wget: bad address 'example.org'"],
    ['glibc does not find a host', 'NetworkFailed', 'Native', 'ssh: example.org: Name or service not known'],
    ['Node does not find a host', 'NetworkFailed', 'Native', 'npm error reason: getaddrinfo EAI_AGAIN x.org'],
    [
      'a program that fails',
      'DockerfileStepFailed',
      'Emulated',
      'make: *** [all] Error 2',
      'Error: exit status 2',
    ],
    ['a program that says nothing', 'DockerfileStepFailed', 'Native'],
  ])('%s', (_, reason, execution, ...output) => {
    expect(classify(output, execution)).toBe(reason);
  });

  test('whatever is printed, the class is one of the documented reasons', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.constantFrom('Native', 'Emulated'), (output, execution) => {
        expect(Object.keys(reasons)).toContain(classify(output, execution));
      }),
    );
  });

  test('only what had nothing to do with the Dockerfile is worth another attempt', () => {
    const worth = (Object.keys(reasons) as Reason[]).filter(isWorthARetry);
    expect(worth).toEqual([
      ...['BuildPodDeleted', 'BuilderFailed', 'RegistryUnreachable', 'EmulatorCrashed', 'NetworkFailed'],
    ]);
  });
});

/** As buildah 1.28 prints it after `RUN sh -c 'echo last words; exit 3'` with chroot isolation. */
const failed = [
  'last words',
  'subprocess exited with status 3',
  'subprocess exited with status 3',
  'Error: building at STEP "RUN sh -c \'echo last words; exit 3\'": exit status 3',
];

describe('what a builder says around the words of the program', () => {
  test.each([
    ['by its status', failed, 'exit status 3'],
    ['by a signal', ['subprocess exited on segmentation fault'], 'segmentation fault'],
    ['unknown, where nothing says so', ['something else'], undefined],
    ['unknown, where nothing was said', [], undefined],
  ])('tells how it ended: %s', (_, output, ended) => {
    expect(howItEnded(output)).toBe(ended);
  });

  test('is left out of what a person reads', () => {
    expect(ownWords(failed)).toEqual(['last words']);
    expect(ownWords(['process exited with error: fork/exec /bin/sh', 'Error: exit status 1'])).toEqual([]);
    expect(ownWords(['Error: something of the program’s own'])).toEqual([
      'Error: something of the program’s own',
    ]);
  });
});
