import { describe, expect } from '@jest/globals';
import { testAsRoot } from '../support/as-root.ts';
import { bytesOf, conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64' })}`];
const old = Buffer.from('what was there before');

/** The cache lies on a device of this size, which is there for one build and which nobody else sees. */
const onDevice = (size: string): readonly string[] => [
  ...['unshare', '--mount', 'sh', '-c'],
  `mkdir -p "$0" && mount -t tmpfs -o mode=755,size=${size} tmpfs "$0" && "$@"; status=$?
   find "$0/edgebuild" \\( -path '*/runs/*' -o -name '.incomplete-*' \\) -printf 'remains: %p\\n' >&2; exit $status`,
  shop.path('cache'),
];

describe('a disk that is full ends the build with 1 and DiskFull, and what was there stays', () => {
  const cases: readonly (readonly [string, string, ReturnType<typeof inline>, RegExp])[] = [
    ['while the base image is kept', '512k', inline('FROM base'), /base image base|no space/i],
    ['while the image is packed', '3m', inline('FROM base'), /no space|DiskFull/i],
    [
      'in a step',
      '48m',
      inline('FROM base', 'RUN dd if=/dev/zero of=/big bs=1M count=128'),
      /step 2\/2, line 2/,
    ],
    [
      'while a layer is kept',
      '48m',
      // The file fits once and its copy in the layer does not.
      inline('FROM base', 'RUN dd if=/dev/urandom of=/big bs=1M count=24'),
      /step 2\/2, line 2/,
    ],
  ];
  for (const [name, size, spec, message] of cases)
    testAsRoot(name, async () => {
      shop.write('app.oci.tar', old);
      const ended = await shop.build(spec, base, { within: onDevice(size) });
      expect(ended.stderr).not.toContain('This is a bug');
      expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason: 'DiskFull' });
      expect(platformOf(ended).message).toMatch(message);
      expect(conditionOf(ended, 'Stalled')).toMatchObject({ status: 'True', reason: 'DiskFull' });
      expect(ended.stderr).toContain('edgebuild build --prune');
      expect(ended.stderr).not.toContain('remains: ');
      expect(ended.status).toBe(1);
      expect(bytesOf(shop.path('app.oci.tar'))).toEqual(old);
      expect(await shop.remains()).toEqual([]);
    });
});
