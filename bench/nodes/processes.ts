import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All of this pid namespace. One that ends between two looks is not among them. */
const processes = (): readonly Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), parent: Number(fieldsOf(name)[1]), command }];
      } catch {
        return [];
      }
    });

/** Of `stat`, behind the name, which may hold anything. The first is the third that proc(5) counts. */
const fieldsOf = (pid: number | string): readonly string[] =>
  readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .split(') ')
    .at(-1)
    ?.split(' ') ?? [];

/** The agent's own container and its provers: what each of them began with. */
export const agentProcesses = (): readonly Process[] => {
  const all = processes();
  const ours = all.filter(({ command }) => command.startsWith('/bin/sh /opt/edgebuild/'));
  // Their subshells have the same command.
  return ours.filter(({ parent }) => !ours.some(({ pid }) => pid === parent));
};

const withDescendants = (roots: readonly Process[]): readonly Process[] => {
  const all = processes();
  const found = [...roots];
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
};

/** In KiB: what belongs to a process alone, with its share of what it shares (PSS), and all that is mapped (RSS). */
export const memoryOf = (roots: readonly Process[]): { readonly pss: number; readonly rss: number } => {
  let [pss, rss] = [0, 0];
  for (const { pid } of withDescendants(roots)) {
    try {
      const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
      pss += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
      rss += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    } catch {
      // It has ended.
    }
  }
  return { pss, rss };
};

/** User and system time so far, with that of children that have ended, in milliseconds; /proc counts 10 at a time. */
export const cpuMsOf = (roots: readonly Process[]): number =>
  roots.reduce((sum, { pid }) => {
    const [utime = 0, stime = 0, childUtime = 0, childStime = 0] = fieldsOf(pid).slice(11, 15).map(Number);
    return sum + (utime + stime + childUtime + childStime) * 10;
  }, 0);
