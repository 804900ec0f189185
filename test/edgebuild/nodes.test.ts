import { describe, expect, test } from '@jest/globals';
import { type BuildNode, placeOf, signatureOf } from '../../src/edgebuild/nodes.ts';
import { native, node, proving } from './cluster.ts';

const x86 = proving('worker-1', 'arm64', 'arm');
const arm = native('arm-1', 'arm64');
const cordoned = (one: BuildNode): BuildNode => ({ ...one, spec: { unschedulable: true } });
const tainted = (effect: string) => ({ ...arm, spec: { taints: [{ effect }] } });
const lost = (one: BuildNode): BuildNode => ({
  ...one,
  status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
});

describe('a platform is built', () => {
  test.each<[string, Parameters<typeof placeOf>, object]>([
    ['natively, where there is a node for it', ['linux/arm64', 'PreferNative', [x86, arm], undefined], { execution: 'Native', isThere: true }],
    ['under emulation, where there is none', ['linux/arm64', 'PreferNative', [x86], undefined], { execution: 'Emulated', isThere: true }],
    ['under emulation, if the native node takes no pods', ['linux/arm64', 'PreferNative', [x86, cordoned(arm)], undefined], { execution: 'Emulated', isThere: true }],
    ['under emulation, if the native node is not Ready', ['linux/arm64', 'PreferNative', [x86, lost(arm)], undefined], { execution: 'Emulated', isThere: true }],
    ['under emulation, if the native node has a taint', ['linux/arm64', 'PreferNative', [x86, tainted('NoSchedule')], undefined], { execution: 'Emulated', isThere: true }],
    ['natively where there are none without a taint: the scheduler decides', ['linux/amd64', 'PreferNative', [{ ...x86, spec: { taints: [{ effect: 'NoSchedule' }] } }], undefined], { execution: 'Native', isThere: true }],
    ['under emulation where there are none without a taint: the scheduler decides', ['linux/arm64', 'PreferNative', [{ ...x86, spec: { taints: [{ effect: 'NoSchedule' }] } }], undefined], { execution: 'Emulated', isThere: true }],
    ['natively, if its taint is a wish', ['linux/arm64', 'PreferNative', [x86, tainted('PreferNoSchedule')], undefined], { execution: 'Native', isThere: true }],
    ['under emulation, if a stage is of the other nodes', ['linux/arm64', 'PreferNative', [x86, arm], undefined, true], { execution: 'Emulated', isThere: true }],
    ['nowhere, if a stage is of other nodes and that must be native', ['linux/arm64', 'Native', [x86, arm], undefined, true], { execution: 'Impossible', reason: 'NativeUnavailable' }],
    ['natively, if only a stage of it is of others', ['linux/amd64', 'PreferNative', [x86], undefined, true], { execution: 'Native', isThere: true }],
    ['under emulation, if that is asked', ['linux/arm64', 'Emulated', [x86, arm], undefined], { execution: 'Emulated', isThere: true }],
    ['natively alone, if that is asked', ['linux/arm64', 'Native', [x86], undefined], { execution: 'Native', isThere: false, reason: 'NativeUnavailable' }],
    ['nowhere, where no node proves it', ['linux/arm64', 'PreferNative', [node('a')], undefined], { execution: 'Emulated', isThere: false, reason: 'EmulationUnavailable' }],
    ['nowhere, if the node that proves it takes no pods', ['linux/arm64', 'PreferNative', [cordoned(x86)], undefined], { execution: 'Emulated', isThere: false }],
    ['nowhere, where another architecture is proven', ['linux/s390x', 'PreferNative', [x86], undefined], { execution: 'Emulated', isThere: false }],
    ['nowhere, where only a foreign node has the label', ['linux/s390x', 'PreferNative', [{ ...arm, metadata: { ...arm.metadata, labels: { ...arm.metadata.labels, 'emulation.edgebuild.io/s390x': 'ready' } } }], undefined], { execution: 'Emulated', isThere: false }],
    ['nowhere, where there is no node at all', ['linux/amd64', 'PreferNative', [], undefined], { execution: 'Native', isThere: false, reason: 'NativeUnavailable' }],
    ['natively for 386 on x86_64', ['linux/386', 'PreferNative', [node('a')], undefined], { execution: 'Native', isThere: true }],
    ['never under emulation of its own', ['linux/386', 'Emulated', [node('a')], undefined], { execution: 'Impossible', reason: 'EmulationUnavailable' }],
    ['for both 32-bit Arm platforms by one label', ['linux/arm/v6', 'PreferNative', [x86], undefined], { execution: 'Emulated', isThere: true }],
  ])('%s', (_, given, expected) => {
    expect(placeOf(...given)).toMatchObject(expected);
  }); // prettier-ignore

  test('nowhere, and what the NodeEmulation says of that is passed on', () => {
    const words = '0 of 1 nodes emulate arm64: SELinuxDenied on worker-1';
    expect(placeOf('linux/arm64', 'PreferNative', [node('a')], words)).toMatchObject({
      message: `no node proves that it runs programs of arm64; NodeEmulation cluster: ${words}`,
    });
  });
});

describe('news of a node count', () => {
  test.each<[string, BuildNode]>([
    ['when its emulation is proven', proving('worker-1', 'arm64', 'arm', 's390x')],
    ['when it takes no more pods', cordoned(x86)],
    ['when it is lost', lost(x86)],
    ['when it is another one', native('worker-1', 'arm64')],
  ])('%s', (_, other) => {
    expect(signatureOf(other)).not.toBe(signatureOf(x86));
  });

  test('and no others', () => {
    const labels = { ...x86.metadata.labels, 'example.com/rack': '7' };
    const other = { ...x86, metadata: { ...x86.metadata, labels, resourceVersion: '2' } };
    expect(signatureOf(other)).toBe(signatureOf(x86));
  });
});
