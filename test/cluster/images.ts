/** The images of a box, made of the machine's static busybox: no registry of the outside is needed. */
import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import { pushImage, registryHost } from './registry.ts';
import { tar } from '../support/images.ts';

const [busybox, pause] = ['edgebuild/busybox', 'edgebuild/pause'] as const;

/** Every applet of busybox, and a shell if no command is given. Debian's `wget -T` crashes: use `timeout`. */
export const busyboxImage = `${registryHost}/${busybox}:1`;
/** Keeps the namespaces of a pod. */
export const pauseImage = `${registryHost}/${pause}:1`;

export const pushImages = async (): Promise<void> => {
  const program = '/bin/busybox';
  const { stdout } = await execa(program, ['--list']);
  const layer = tar([
    ...['bin/', 'dev/', 'etc/', 'proc/', 'root/', 'sys/'].map((name) => ({ name, type: '5' })),
    { name: 'tmp/', type: '5', mode: 0o1777 },
    { name: 'bin/busybox', body: readFileSync(program), mode: 0o755 },
    { name: 'etc/passwd', body: 'root:x:0:0::/root:/bin/sh\n' },
    { name: 'etc/group', body: 'root:x:0:\n' },
    ...stdout
      .split('\n')
      .filter((name) => name !== 'busybox')
      .map((name) => ({ name: `bin/${name}`, type: '2', link: 'busybox' })),
  ]);
  const Env = ['PATH=/bin'];
  await pushImage({ repository: busybox, tag: '1', layer, config: { Env, Cmd: ['/bin/sh'] } });
  // 68 years. A pod's end does not wait for it: the container runtime ends it with SIGKILL.
  const Entrypoint = ['/bin/sleep', String(2 ** 31 - 1)];
  await pushImage({ repository: pause, tag: '1', layer, config: { Env, Entrypoint } });
};
