import { describe, expect, test } from '@jest/globals';
import { resolve } from 'node:path';
import { parseBases } from '../../src/cli/base-flags.ts';

describe('--base', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  test.each([
    ['debian:12=oci-archive:debian.tar', 'debian:12', `oci-archive:${resolve('debian.tar')}`],
    ['quay.io:443/a/b=docker://registry:5000/a/b:1', 'quay.io:443/a/b', 'docker://registry:5000/a/b:1'],
    [`debian@${digest}=oci:layout:tag`, `debian@${digest}`, `oci:${resolve('layout')}:tag`],
    [`debian=docker://debian@${digest}`, 'debian', `docker://debian@${digest}`],
    ['debian=dir:/srv/a=b', 'debian', 'dir:/srv/a=b'],
    ['debian=containers-storage:localhost/debian', 'debian', 'containers-storage:localhost/debian'],
    ['debian=docker-archive:/tmp/x.tar', 'debian', 'docker-archive:/tmp/x.tar'],
  ])('%s is divided at the first =, and its path is made absolute', (flag, from, reference) => {
    expect([...parseBases([flag])]).toEqual([[from, reference]]);
  });

  test.each([
    ['debian', 'must be TEXT=REF'],
    ['=oci-archive:x.tar', 'must be TEXT=REF'],
    [
      'debian=',
      'must begin with one of docker://, oci-archive:, oci:, docker-archive:, containers-storage:, dir:',
    ],
    ['debian=debian.tar', 'must begin with one of docker://'],
    ['debian=docker-daemon:debian', 'must begin with one of'],
    ['debian=oci-archive:', 'nothing stands after oci-archive:'],
  ])('%s is refused: %s', (flag, reason) => {
    expect(() => parseBases([flag])).toThrow(expect.objectContaining({ name: 'InputError' }));
    expect(() => parseBases([flag])).toThrow(reason);
  });

  test('the same twice is once', () => {
    expect(parseBases(['a=oci:x', 'a=oci:x']).size).toBe(1);
  });

  test('two references for one text are refused', () => {
    expect(() => parseBases(['a=oci:/x', 'a=oci:/y'])).toThrow('a was given before, as oci:/x');
  });
});
