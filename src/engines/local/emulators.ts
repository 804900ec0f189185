import { open } from 'node:fs/promises';
import type { Platform } from '../../api/platforms.ts';
import { readElf } from '../../image/elf.ts';
import { EnvironmentError } from '../environment-error.ts';

/** On Debian 13 qemu-user-static would register handlers for the whole machine, and qemu-user is static. */
export const installEmulators =
  'sudo apt-get install --no-install-recommends qemu-user-static (from Debian 13 on: qemu-user)';

const directories = ['/usr/local/bin', '/usr/bin', '/bin'];

/**
 * The QEMU user-mode emulator of a platform on this machine. It must be static: the kernel opens it once, and its
 * libraries would be looked for in the image. Debian 12 and Ubuntu call it `qemu-TARGET-static`, Debian 13 `qemu-TARGET`.
 *
 * @throws EnvironmentError if there is none.
 */
export const findEmulator = async (platform: Platform): Promise<string> => {
  const names = [`qemu-${platform.qemu}-static`, `qemu-${platform.qemu}`];
  for (const path of names.flatMap((name) => directories.map((directory) => `${directory}/${name}`))) {
    if (await isStaticProgram(path)) return path;
  }
  throw new EnvironmentError(`no emulator for ${platform.name} (${names[0] ?? ''})`, installEmulators);
};

const isStaticProgram = async (path: string): Promise<boolean> => {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const head = Buffer.alloc(65_536);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return readElf(head.subarray(0, bytesRead))?.interpreter.state === 'none';
  } finally {
    await file.close();
  }
};
