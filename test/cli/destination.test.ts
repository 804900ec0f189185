import { specSchema } from '../../src/api/spec.ts';
import { describe, expect, test } from '@jest/globals';
import type { EdgeBuild } from '../../src/api/edgebuild.ts';
import type { PlatformName } from '../../src/api/platforms.ts';
import {
  destinationOf,
  destinationText,
  parseDestination,
  refuseSharedDestinations,
} from '../../src/cli/destination.ts';

describe('--to', () => {
  const good = [
    ['oci-archive:a.tar', { transport: 'oci-archive', target: 'a.tar' }],
    ['oci:some/dir', { transport: 'oci', target: 'some/dir' }],
    ['docker-archive:/tmp/a b.tar', { transport: 'docker-archive', target: '/tmp/a b.tar' }],
    ['docker://quay.io/acme/web:1.2', { transport: 'docker', target: 'quay.io/acme/web:1.2' }],
    ['docker://localhost:5000/web', { transport: 'docker', target: 'localhost:5000/web' }],
  ] as const;
  test.each(good)('%s is understood, and spelled the same again', (text, destination) => {
    expect(parseDestination(text)).toEqual(destination);
    expect(destinationText(destination)).toBe(text);
  });

  test.each([
    ['a.tar', 'must be oci-archive:PATH, oci:DIR, docker-archive:PATH or docker://REF'],
    ['', 'must be oci-archive:PATH'],
    ['docker:quay.io/acme/web', 'must be oci-archive:PATH'],
    ['containers-storage:web', 'must be oci-archive:PATH'],
    ['oci-archive:', 'nothing stands after oci-archive:'],
    ['docker://', 'nothing stands after docker://'],
    ['oci-archive:web.tar:latest', 'must not hold a colon'],
    ['docker://quay.io/acme/web@sha256:' + 'a'.repeat(64), 'without a digest'],
    ['docker://quay.io/Acme/Web', 'lower case'],
  ])('%j is refused: %s', (text, reason) => {
    expect(() => parseDestination(text)).toThrow(expect.objectContaining({ name: 'InputError' }));
    expect(() => parseDestination(text)).toThrow(reason);
  });
});

const edgeBuild = (
  name: string,
  { image, platforms = ['linux/arm64'] }: { image?: string; platforms?: PlatformName[] } = {},
): EdgeBuild => ({
  apiVersion: 'edgebuild.io/v1alpha1',
  kind: 'EdgeBuild',
  metadata: { name },
  spec: {
    ...specSchema.parse({ source: { dockerfile: 'FROM scratch' }, platforms }),
    output: { deletionPolicy: 'Retain', labels: {}, ...(image === undefined ? {} : { image }) },
  },
});

describe('the destination of an object', () => {
  test('is an OCI archive of its name when nothing is said', () => {
    expect(destinationText(destinationOf(edgeBuild('web'), {}))).toBe('oci-archive:./web.oci.tar');
  });

  test('is spec.output.image with --push', () => {
    const pushed = destinationOf(edgeBuild('web', { image: 'quay.io/acme/web:1' }), { push: true });
    expect(destinationText(pushed)).toBe('docker://quay.io/acme/web:1');
  });

  test('is missing with --push and no spec.output.image', () => {
    expect(() => destinationOf(edgeBuild('web'), { push: true })).toThrow(
      '--push: web does not say where to: set spec.output.image, or use --to docker://REF',
    );
  });

  test('cannot be a docker-archive for several platforms', () => {
    const two = edgeBuild('web', { platforms: ['linux/arm64', 'linux/s390x'] });
    expect(() => destinationOf(two, { to: 'docker-archive:a.tar' })).toThrow('use oci-archive:PATH');
  });

  test('is not shared by two objects', () => {
    const builds = ['one', 'two'].map((name) => ({
      edgeBuild: edgeBuild(name),
      destination: parseDestination('oci-archive:a.tar'),
    }));
    expect(() => {
      refuseSharedDestinations(builds);
    }).toThrow('one and two would both be written to oci-archive:a.tar');
  });
});
