import { describe, expect, test } from '@jest/globals';
import { platformNames, type PlatformName } from '../../../src/api/platforms.ts';
import {
  emulationLabelOf,
  executionOf,
  nativeArchitecture,
  nodeSelectorOf,
} from '../../../src/engines/openshift/where.ts';

const arch = 'kubernetes.io/arch';

describe('where builds may run', () => {
  test.each<[string, PlatformName, 'Native' | 'Emulated', object]>([
    ['natively, on nodes of the platform', 'linux/arm64', 'Native', { [arch]: 'arm64' }],
    [
      'emulated, on x86_64 nodes that prove it',
      'linux/arm64',
      'Emulated',
      { [arch]: 'amd64', 'emulation.edgebuild.io/arm64': 'ready' },
    ],
    [
      'both 32-bit Arm platforms by one emulator',
      'linux/arm/v6',
      'Emulated',
      { [arch]: 'amd64', 'emulation.edgebuild.io/arm': 'ready' },
    ],
    ['386 is native to x86_64', 'linux/386', 'Native', { [arch]: 'amd64' }],
    ['nothing of x86_64 is emulated', 'linux/amd64', 'Emulated', { [arch]: 'amd64' }],
  ])('%s', (_, platform, execution, selector) => {
    expect(nodeSelectorOf(platform, execution)).toEqual(selector);
  });

  test('each platform that an x86_64 node does not run has a label of its emulation', () => {
    for (const platform of platformNames) {
      const isForeign = nativeArchitecture(platform) !== 'amd64';
      expect([platform, emulationLabelOf(platform) !== undefined]).toEqual([platform, isForeign]);
    }
  });

  test('how a build runs is read from where it may run', () => {
    for (const platform of platformNames) {
      expect(executionOf(nodeSelectorOf(platform, 'Native'))).toBe('Native');
      const emulated = emulationLabelOf(platform) === undefined ? 'Native' : 'Emulated';
      expect(executionOf(nodeSelectorOf(platform, 'Emulated'))).toBe(emulated);
    }
    expect([executionOf(null), executionOf(undefined)]).toEqual(['Native', 'Native']);
  });
});
