import { execa } from 'execa';
import { open, readdir, readFile, readlink } from 'node:fs/promises';
import { until } from '../test/support/until.ts';
import { elfInWords } from './elf-words.ts';

/** What was seen of an image that runs in the cluster. */
export interface Sight {
  /** HTTP status of the page. */
  readonly status: number;
  readonly title: string;
  readonly processes: readonly SeenProcess[];
}

export interface SeenProcess {
  readonly pid: number;
  /** What /proc/PID/exe points at: the emulator. */
  readonly executable: string;
  /** The program that the emulator runs. */
  readonly program: string;
  /** What the program's ELF header says. */
  readonly elf: string;
}

/** Fetches a page by the Service's address, and looks at the pod's processes on its node, which is this box. */
export const lookAt = async (namespace: string, name: string, port: number): Promise<Sight> => {
  const { stdout: address } = await execa('kubectl', [
    ...['-n', namespace, 'get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}'],
  ]);
  const fetched = await until(
    () => fetchPage(`http://${address}:${port}/`),
    (page) => page !== undefined,
    120_000,
  );
  const title = /<title>(.*)<\/title>/.exec(fetched?.text ?? '')?.[1]?.trim() ?? '';
  return { status: fetched?.status ?? 0, title, processes: await processesOf(namespace, name) };
};

const fetchPage = async (url: string): Promise<{ status: number; text: string } | undefined> => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return undefined;
  }
};

/** Those that have the pod's own /etc/hosts. */
const processesOf = async (namespace: string, name: string): Promise<readonly SeenProcess[]> => {
  const { stdout: uid } = await execa('kubectl', [
    ...[
      '-n',
      namespace,
      'get',
      'pods',
      '-l',
      `edgebuild.io/edgebuild=${name},app.kubernetes.io/component=deploy`,
    ],
    ...['-o', 'jsonpath={.items[0].metadata.uid}'],
  ]);
  const seen: SeenProcess[] = [];
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)) {
    const one = await processOf(pid, uid);
    if (one !== undefined) seen.push(one);
  }
  return seen;
};

/** Undefined: it is not of the pod, or has ended. */
const processOf = async (pid: number, uid: string): Promise<SeenProcess | undefined> => {
  try {
    if (!(await readFile(`/proc/${pid}/mountinfo`, 'utf8')).includes(`/pods/${uid}/etc-hosts /etc/hosts `))
      return undefined;
    const executable = await readlink(`/proc/${pid}/exe`);
    // QEMU, as the kernel starts it, is given the program's path first.
    const [, program = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    const file = await open(`/proc/${pid}/root${program}`);
    try {
      const head = Buffer.alloc(2048);
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return { pid, executable, program, elf: elfInWords(head.subarray(0, bytesRead)) };
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
};
