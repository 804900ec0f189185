import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlatformName } from '../../../src/api/platforms.ts';
import type { Base } from '../../../src/engines/openshift/bases.ts';
import { importedOf } from '../../../src/engines/openshift/imported.ts';
import type { ImageStream, ImageStreamTag } from '../../../src/engines/openshift/types.ts';

const recorded = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../openshift/recordings', name), 'utf8'));

/** A stream with a tag for each way to import an image for amd64 and arm64. */
const multi = recorded('imagestream-multi.json') as ImageStream;
/** Images of it, by the tag that holds them. */
const architectureOf = new Map(
  ['legacy', 'legacy-arm', 'legacy-arm-v2s2', 'legacy-s390x', 'preserve-arm'].map((name) => {
    const { image } = recorded(`istag-${name}.json`) as ImageStreamTag;
    return [image.metadata.name, image.dockerImageMetadata?.Architecture ?? ''];
  }),
);
const facts = (digest: string) => {
  const architecture = architectureOf.get(digest);
  return architecture === undefined ? undefined : { digest, architecture };
};

const base = (tag: string, platform: PlatformName = 'linux/arm64', image = 'quay.io/a/b:1'): Base => ({
  ...{ platform, tag, image, texts: [image], pullSecret: undefined },
});

describe('an import that OpenShift answered', () => {
  test.each([
    ['with the architecture that was preferred', 'legacy-arm', 'linux/arm64'],
    ['the same, of Docker’s list', 'legacy-arm-v2s2', 'linux/arm64'],
    ['for amd64, without a preference', 'legacy', 'linux/amd64'],
  ] as const)('%s, is ready', (_, tag, platform) => {
    expect(importedOf(multi, base(tag, platform), facts)).toEqual({
      ...{ state: 'Ready', digest: expect.stringMatching(/^sha256:/) },
    });
  });

  test.each([
    ['silently with amd64, where the architecture is lacking', 'legacy-s390x', 'linux/s390x', 'amd64'],
    ['with amd64, where nothing was preferred', 'legacy', 'linux/arm64', 'amd64'],
    ['with the index itself', 'preserve-arm', 'linux/arm64', 'an index'],
  ] as const)('%s, is refused', (_, tag, platform, what) => {
    expect(importedOf(multi, base(tag, platform), facts)).toEqual({
      state: 'Failed',
      reason: 'BaseImageWrongArchitecture',
      message: `quay.io/a/b:1 has no ${platform}: what came is ${what}; name another image for it in spec.baseImages`,
    });
  });

  test('is read before it is judged', () => {
    expect(importedOf(multi, base('legacy-arm'), () => undefined)).toMatchObject({ state: 'Unread' });
  });

  test('that it could not do is refused', () => {
    const answer = importedOf(multi, base('missing'), facts);
    expect(answer).toMatchObject({ state: 'Failed', reason: 'BaseImageUnavailable' });
    expect('message' in answer && answer.message).toContain('quay.io/a/b:1 cannot be imported (NotFound)');
  });

  test('of an image that is named by its own digest is the author’s choice', () => {
    const { digest } = importedOf(multi, base('legacy', 'linux/amd64', 'quay.io/a/b:1'), facts) as {
      readonly digest: string;
    };
    const own = base('legacy', 'linux/arm64', `quay.io/a/b@${digest}`);
    expect(importedOf(multi, own, facts)).toEqual({ state: 'Ready', digest });
  });

  test('of an index that is named by its digest is checked: it is always the one for amd64', () => {
    const image = `quay.io/a/b@sha256:${'0'.repeat(64)}`;
    expect(importedOf(multi, base('legacy', 'linux/arm64', image), facts)).toMatchObject({
      ...{ state: 'Failed', reason: 'BaseImageWrongArchitecture' },
      message: expect.stringContaining('what came is amd64'),
    });
  });
});

/** A stream with one tag as a test wants it. */
const streamOf = (
  generation: number,
  given: { items?: readonly number[]; failure?: { generation: number; reason: string; message?: string } },
): ImageStream => ({
  ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', metadata: { name: 'web-bases' } },
  spec: { tags: [{ name: 'x', generation }] },
  status: {
    tags: [
      {
        tag: 'x',
        items:
          given.items?.map((of) => ({ image: `sha256:${of}`, dockerImageReference: '', generation: of })) ??
          null,
        conditions:
          given.failure === undefined
            ? []
            : [{ type: 'ImportSuccess', status: 'False', message: 'why', ...given.failure }],
      },
    ],
  },
});
const arm64 = (digest: string) => ({ digest, architecture: 'arm64' });

describe('an import', () => {
  test.each<[string, ImageStream | undefined, object]>([
    ['is awaited where there is no stream', undefined, { state: 'Pending' }],
    ['is awaited where nothing is said of the tag', streamOf(2, {}), { state: 'Pending' }],
    [
      'is awaited where a failure is of an earlier one',
      streamOf(3, { failure: { generation: 2, reason: 'NotFound' } }),
      { state: 'Pending' },
    ],
    [
      'failed where its registry does not answer',
      streamOf(2, { failure: { generation: 2, reason: 'InternalError', message: 'dial tcp: i/o timeout' } }),
      { state: 'Failed', reason: 'RegistryUnreachable' },
    ],
    [
      'failed where credentials are wrong',
      streamOf(2, { failure: { generation: 2, reason: 'Unauthorized' } }),
      { state: 'Failed', reason: 'BaseImageUnavailable' },
    ],
    [
      'stays what it was where a later one failed',
      streamOf(2, { items: [1], failure: { generation: 2, reason: 'NotFound' } }),
      { state: 'Ready', digest: 'sha256:1' },
    ],
    ['is the latest', streamOf(3, { items: [3, 2] }), { state: 'Ready', digest: 'sha256:3' }],
  ])('%s', (_, stream, expected) => {
    expect(importedOf(stream, base('x'), arm64)).toMatchObject(expected);
  });

  test('shows nothing of what a registry said', () => {
    const stream = streamOf(2, {
      failure: { generation: 2, reason: 'Unauthorized', message: 'token=s3cr3t' },
    });
    expect(JSON.stringify(importedOf(stream, base('x'), arm64))).not.toContain('s3cr3t');
  });
});
