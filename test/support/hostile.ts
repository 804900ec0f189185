/**
 * Surveys a hostile layer in a process of its own, whose memory is then its own too:
 *
 *     node test/support/hostile.ts CASE
 *
 * Prints what came of it and the process's peak memory in MiB, as JSON.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { ImageError } from '../../src/image/errors.ts';
import { layerOf } from '../../src/image/layer.ts';
import { surveyImage } from '../../src/image/survey.ts';
import { elfFile, endOfTar, member, type Member } from './images.ts';

const MILLION = 1_000_000;

function* many(count: number, memberAt: (i: number) => Member): Generator<Buffer> {
  let batch: Buffer[] = [];
  for (let i = 0; i < count; i += 1) {
    batch.push(member(memberAt(i)));
    if (batch.length < 200) continue;
    yield Buffer.concat(batch);
    batch = [];
  }
  yield Buffer.concat([...batch, endOfTar]);
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
  millionFiles: () => many(MILLION, (i) => ({ name: `usr/share/directory-${i % 1000}/file-${i}` })),
  millionInOneDirectory: () => many(MILLION, (i) => ({ name: `file-${i}` })),
  millionDirectories: () => many(MILLION, (i) => ({ name: `d${i}/e/`, type: '5' })),
  millionLinks: () => many(MILLION, (i) => ({ name: `l${i}`, type: '2', link: `${'t'.repeat(90)}${i}` })),
  millionWhiteouts: () => many(MILLION, (i) => ({ name: `.wh.w${i}` })),
  programsOfLongInterpreters: () => many(200_000, (i) => ({ name: `p${i}`, body: program })),
  deepNames: () => many(2000, (i) => ({ name: `${'a/'.repeat(45)}${i}/${'b/'.repeat(1000)}` })),
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
process.stdout.write(JSON.stringify({ result, memory: process.resourceUsage().maxRSS / 1024 }));
