import { existsSync } from 'node:fs';

/** QEMU's user mode of a target on this machine, by whichever name Debian gives it (`-static` up to Debian 12). */
export const emulatorOf = (name: string): string => {
  const paths = [`/usr/bin/qemu-${name}-static`, `/usr/bin/qemu-${name}`];
  const found = paths.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`no ${paths.join(' and no ')}: install qemu-user-static (from Debian 13 on: qemu-user)`);
  return found;
};
