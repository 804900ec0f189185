import { readFileSync } from 'node:fs';
import { platformOf } from '../src/api/platforms.ts';
import { openImages } from '../src/image/open.ts';
import { verifyImage } from '../src/image/verify.ts';

// Verifies one image as linux/amd64 and prints the memory that it took: verify-one.ts IMAGE.
const source = await openImages(process.argv[2] ?? '');
const platform = platformOf('linux/amd64');
const report = await verifyImage(await source.select(platform), platform);
await source.close();
if (!report.passed) throw new Error(report.message);
const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
process.stdout.write(JSON.stringify({ memory: Number(peak) / 1024 }));
