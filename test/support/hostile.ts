/**
 * Surveys a hostile layer in a process of its own, whose memory is then its own too:
 *
 *     node test/support/hostile.ts CASE
 *
 * Prints what came of it and the process's peak memory in MiB, as JSON.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { ImageError } from '../../src/image/errors.ts';
import { layerOf } from '../../src/image/layer.ts';
import { surveyImage } from '../../src/image/survey.ts';
import { elfFile, endOfTar, member, type Member } from './images.ts';

const MILLION = 1_000_000;

/** Members that differ in their name's digits alone (seven `#`), whose headers are then made quickly. */
function* many(count: number, like: Member & { readonly name: string }): Generator<Buffer> {
  const one = member({ ...like, name: like.name.replaceAll('#', '0') });
  const at = like.name.indexOf('#######');
  const sum = parseInt(one.toString('latin1', 148, 154), 8);
  for (let i = 0; i < count;) {
    const batch = Buffer.alloc(one.length * Math.min(200, count - i));
    for (let start = 0; start < batch.length; start += one.length, i += 1) {
      one.copy(batch, start);
      const digits = String(i).padStart(7, '0');
      batch.write(digits, start + at, 'latin1');
      let more = 0;
      for (let k = 0; k < 7; k += 1) more += digits.charCodeAt(k) - 0x30;
      batch.write((sum + more).toString(8).padStart(6, '0'), start + 148, 'latin1');
    }
    yield batch;
  }
  yield endOfTar;
}

function* zeros(bytes: number): Generator<Buffer> {
  yield member({ name: 'zeros', size: bytes });
  const chunk = Buffer.alloc(1 << 20);
  for (let at = 0; at < bytes; at += chunk.length) yield chunk;
  yield endOfTar;
}

const sparseHeader = (header: Buffer): void => {
  header.write('ustar  \0', 257, 'latin1');
  header.write('00000000000\0', 386, 'latin1');
  header.write('00000001000\0', 398, 'latin1');
  header[483] = 0x80;
  header.writeBigUInt64BE(10_000_000_000n, 487);
};

const program = elfFile(
  { class: 64, byteOrder: 'little', machine: 183 },
  { interpreter: `/${'x'.repeat(3000)}` },
);

const cases: Readonly<Record<string, () => Generator<Buffer>>> = {
  millionFiles: () => many(MILLION, { name: 'usr/share/some-directory/file-of-it-#######' }),
  millionDirectories: () => many(MILLION, { name: 'd#######/e/', type: '5' }),
  millionLinks: () => many(MILLION, { name: 'l#######', type: '2', link: 't'.repeat(95) }),
  millionWhiteouts: () => many(MILLION, { name: '.wh.w#######' }),
  programsOfLongInterpreters: () => many(200_000, { name: 'p#######', body: program }),
  *claimOf10GB() {
    yield member({ name: 'big', size: 10_000_000_000, body: 'x' });
  },
  *sparse10GB() {
    yield member({ name: 'big', type: 'S', body: 'x'.repeat(512), edit: sparseHeader });
    yield endOfTar;
  },
  gigabyteOfZeros: () => zeros(1 << 30),
};

const work = async (name: string): Promise<unknown> => {
  const generate = cases[name];
  if (generate === undefined) throw new Error(`no case ${name}`);
  const hash = createHash('sha256');
  let size = 0;
  for (const chunk of generate()) {
    hash.update(chunk);
    size += chunk.length;
  }
  const packed = name === 'gigabyteOfZeros';
  const read = (): AsyncIterable<Buffer> =>
    packed ? Readable.from(generate()).pipe(createGzip({ level: 1 })) : Readable.from(generate());
  if (packed) {
    size = 0;
    for await (const chunk of read()) size += chunk.length;
  }
  const layer = layerOf(
    { size, read },
    { diffId: `sha256:${hash.digest('hex')}`, mediaType: '', size, where: name },
  );
  const { entries } = await surveyImage({ reference: name, layers: [layer] });
  return entries;
};

const result = await work(process.argv[2] ?? '').catch((error: unknown) => {
  if (error instanceof ImageError) return error.code;
  throw error;
});
// Not maxRSS: Linux keeps that across exec, and it is then the parent's, if that was larger.
const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
process.stdout.write(JSON.stringify({ result, memory: Number(peak) / 1024 }));
