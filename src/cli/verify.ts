import { InputError } from '../api/errors.ts';
import { platformNames, platforms, type Platform } from '../api/platforms.ts';
import type { Config } from '../config.ts';
import { declaredName, declares, type Declared } from '../image/declared.ts';
import type { Image, ImageSource } from '../image/image.ts';
import { openImages } from '../image/open.ts';
import { normalizeImageName } from '../image/reference.ts';
import { verifyImage, type VerificationReport } from '../image/verify.ts';
import { exits, type Exit } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { jsonText } from './objects.ts';
import { requireFile } from './paths.ts';
import type { Terminal } from './terminal.ts';
import { verdictLines, type Verdict } from './verdict.ts';
import { watchOn } from './watch.ts';

/** The flags of `edgebuild verify`, as commander gives them. */
export interface VerifyFlags {
  readonly platform?: string;
  readonly authfile?: string;
  readonly output: 'text' | 'json';
}

/** `edgebuild verify IMAGE`. */
export const verify = async (
  reference: string,
  flags: VerifyFlags,
  config: Config,
  terminal: Terminal,
): Promise<Exit> => {
  const platform = flags.platform === undefined ? undefined : platformNamed(flags.platform);
  requireReference(reference);
  if (flags.authfile !== undefined) await requireFile(flags.authfile);
  const options = {
    env: config.environment,
    ...(flags.authfile === undefined ? {} : { authfile: flags.authfile }),
  };
  const watch = watchOn(terminal);
  const verdict = await interruptible(watch.tell, (signal) =>
    watch.show(async (report) => {
      report({ kind: 'activity', text: `reading ${reference}` });
      const source = await openImages(reference, { ...options, signal });
      try {
        return await judged(source, platform, signal);
      } finally {
        await source.close();
      }
    }),
  );
  const passed = verdict.reports.length > 0 && verdict.reports.every((report) => report.passed);
  terminal.result(
    flags.output === 'json'
      ? jsonText({ reference, passed, images: verdict.reports, notJudged: verdict.unknown })
      : verdictLines(verdict, terminal.paint).join('\n'),
  );
  return passed ? exits.done : exits.failed;
};

const platformNamed = (name: string): Platform => {
  const platform = platforms.find((row) => row.name === name);
  if (platform !== undefined) return platform;
  throw new InputError(`--platform ${name}: supported values: ${platformNames.join(', ')}`);
};

const readable = ['oci', 'oci-archive', 'docker-archive', 'containers-storage', 'docker'];

/** What cannot be the name of an image is refused before anything is opened. A bare path is one. */
const requireReference = (reference: string): void => {
  const [, transport, rest = ''] = /^([a-z-]+):(.*)$/s.exec(reference) ?? [];
  if (reference === '') throw new InputError('IMAGE is empty: name an archive, a layout or docker://REF');
  if (transport === undefined) return;
  if (!readable.includes(transport))
    throw new InputError(`${reference}: ${transport}: is not read: use one of ${readable.join(', ')}`);
  if (transport !== 'docker') return;
  if (!rest.startsWith('//')) throw new InputError(`${reference}: write docker://${rest}`);
  normalizeImageName(rest.slice(2));
};

/** With a platform, the image for it; else each image of a list for what the list says, or the one for what it claims. */
const judged = async (
  source: ImageSource,
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<Verdict> => {
  if (platform !== undefined) {
    const image = await source.select(platform);
    return { reports: [await verifyImage(image, platform, { signal })], unknown: [] };
  }
  const claims = source.images.flatMap((entry) => entry.platform ?? []);
  if (source.images.length === 1 || claims.length === 0) return judgedByItself(await source.select(), signal);
  const { known, unknown } = rowsOf(claims);
  const reports: VerificationReport[] = [];
  for (const row of known) reports.push(await verifyImage(await source.select(row), row, { signal }));
  return { reports, unknown };
};

const judgedByItself = async (image: Image, signal: AbortSignal): Promise<Verdict> => {
  const { known, unknown } = rowsOf([image.config]);
  const reports = await Promise.all(known.map((row) => verifyImage(image, row, { signal })));
  return { reports, unknown };
};

/** Each platform once: a list may hold several levels of x86. Attestations stand in lists as unknown/unknown. */
const rowsOf = (
  claims: readonly Declared[],
): { readonly known: readonly Platform[]; readonly unknown: readonly string[] } => {
  const isKnown = (claim: Declared): boolean => platforms.some((row) => declares(claim, row));
  return {
    known: platforms.filter((row) => claims.some((claim) => declares(claim, row))),
    unknown: claims.filter((claim) => claim.os !== 'unknown' && !isKnown(claim)).map(declaredName),
  };
};
