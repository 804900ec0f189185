import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

const quietly = <Value>(look: () => Value, otherwise: Value): Value => {
  try {
    return look();
  } catch {
    return otherwise;
  }
};

/** Each running process that names the text: as an argument, in its environment, as its directory, or in its mounts. */
export const processesNaming = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => {
      const read = (file: string): string =>
        quietly(() => readFileSync(`/proc/${pid}/${file}`, 'latin1'), '');
      // Also one in a sandbox, whose arguments and environment say nothing: the cache directory is mounted there.
      return (
        ['cmdline', 'environ', 'mountinfo'].some((file) => read(file).includes(text)) ||
        quietly(() => readlinkSync(`/proc/${pid}/cwd`), '').includes(text)
      );
    })
    .map(
      (pid) =>
        `process ${pid}: ${quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '').replaceAll('\0', ' ')}`,
    );

const entries = (directory: string): string[] => quietly(() => readdirSync(directory), []);

const containersIn = (storage: string): string[] =>
  entries(storage).flatMap((platform) => {
    const file = join(storage, platform, 'overlay-containers/containers.json');
    const containers = JSON.parse(quietly(() => readFileSync(file, 'utf8'), '[]')) as {
      readonly id: string;
    }[];
    return containers.map(({ id }) => `container ${id} in ${platform}`);
  });

const filesOf = (cache: string): string[] => {
  const sandboxes = entries(cache).filter((name) => name.startsWith('sandbox-'));
  return [
    ...entries(join(cache, 'runs')).map((name) => `run ${name}`),
    ...entries(join(cache, 'bases'))
      .filter((name) => name.startsWith('.'))
      .map((name) => `base ${name}`),
    ...entries(join(cache, 'probes'))
      .filter((name) => name.includes('.'))
      .map((name) => `probe ${name}`),
    ...sandboxes.flatMap((name) => [
      ...entries(join(cache, name, 'runs')).map((run) => `the sandbox's run ${run}`),
      ...containersIn(join(cache, name, 'storage')),
    ]),
  ];
};

/** What a build left, once 10 s have passed; at once, if it is nothing. */
export const remainsOf = (where: {
  readonly directory: string;
  readonly cache: string;
  readonly temporary: string;
}): Promise<readonly string[]> =>
  until(
    () => [
      ...processesNaming(where.directory),
      ...filesOf(where.cache),
      ...entries(where.temporary).map((name) => `temporary ${name}`),
      // A destination is written beside its place first, under a name that begins with a dot.
      ...entries(where.directory)
        .filter((name) => /^\..*\.[0-9a-f]{8}$/.test(name))
        .map((name) => `half ${name}`),
    ],
    (found) => found.length === 0,
  );
