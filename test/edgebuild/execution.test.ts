import { describe, expect, test } from '@jest/globals';
import { platformNames, platformOf, type PlatformName } from '../../src/api/platforms.ts';
import { planExecution } from '../../src/edgebuild/execution.ts';

const machines = { native: new Set<PlatformName>(['linux/amd64']), where: 'this machine' };
const plan = (name: PlatformName, wanted: 'PreferNative' | 'Native' | 'Emulated') =>
  planExecution(platformOf(name), wanted, machines);

describe('how a platform is built', () => {
  test.each([
    ['linux/amd64', 'PreferNative', 'Native'],
    ['linux/amd64', 'Native', 'Native'],
    ['linux/arm64', 'PreferNative', 'Emulated'],
    ['linux/arm64', 'Emulated', 'Emulated'],
  ] as const)('%s, wanted %s, is %s', (name, wanted, execution) => {
    expect(plan(name, wanted)).toEqual({ platform: platformOf(name), execution });
  });

  test('a machine’s own platform is never emulated: that would break every program on it', () => {
    expect(plan('linux/amd64', 'Emulated')).toMatchObject({
      ...{ execution: 'Impossible', reason: 'EmulationUnavailable' },
      message:
        'execution is Emulated, and linux/amd64 is the platform of this machine itself: use PreferNative',
    });
  });

  test('another platform cannot be native, and the message says what is there', () => {
    expect(plan('linux/arm64', 'Native')).toMatchObject({
      ...{ execution: 'Impossible', reason: 'NativeUnavailable' },
      message: 'execution is Native, and this machine is linux/amd64, not linux/arm64: use PreferNative',
    });
  });

  test.each(platformNames)(
    '%s has some way with PreferNative, and it is native where a machine of it is',
    (name) => {
      expect(plan(name, 'PreferNative').execution).toBe(name === 'linux/amd64' ? 'Native' : 'Emulated');
      const own = { native: new Set([name]), where: 'the cluster' };
      expect(planExecution(platformOf(name), 'PreferNative', own).execution).toBe('Native');
    },
  );
});
