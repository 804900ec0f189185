import { describe, expect, test } from '@jest/globals';
import { directoryWith, edgebuild, layoutFiles } from './edgebuild.ts';

describe('edgebuild verify', () => {
  test('judges a single image by what it claims', async () => {
    const directory = await directoryWith(layoutFiles(['arm64']));
    const { exitCode, stdout } = await edgebuild(directory, ['verify', 'oci:layout']);
    expect(stdout).toContain('linux/arm64  sha256:');
    expect(stdout).toContain('the configuration says architecture arm64');
    expect(stdout).toContain('passed: ');
    expect(exitCode).toBe(0);
  });

  test('judges every image of an index by what the index claims', async () => {
    const directory = await directoryWith(layoutFiles(['arm64', 's390x', 'loong64']));
    const { exitCode, stdout } = await edgebuild(directory, ['verify', 'layout', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      reference: 'layout',
      passed: true,
      images: [
        { platform: 'linux/arm64', passed: true },
        { platform: 'linux/s390x', passed: true },
      ],
      notJudged: ['linux/loong64'],
    });
    expect(exitCode).toBe(0);
  });

  test('fails an image of another platform than was asked for, and says why', async () => {
    const directory = await directoryWith(layoutFiles(['amd64']));
    const { exitCode, stdout } = await edgebuild(directory, [
      'verify',
      'oci:layout',
      '--platform',
      'linux/arm64',
    ]);
    expect(stdout).toMatch(/FAIL\s+architecture\s+the configuration says architecture amd64, not arm64/);
    expect(stdout).toContain('failed: not linux/arm64');
    expect(exitCode).toBe(1);
  });

  test('fails an image whose only platform is unknown', async () => {
    const directory = await directoryWith(layoutFiles(['loong64']));
    const { exitCode, stdout } = await edgebuild(directory, ['verify', 'oci:layout']);
    expect(stdout).toBe('linux/loong64: not judged: EdgeBuild does not know this platform');
    expect(exitCode).toBe(1);
  });

  test.each([
    [
      'a platform that an index has not',
      ['verify', 'oci:layout', '--platform', 'linux/386'],
      1,
      'no image for linux/386; there is linux/arm64, linux/s390x',
    ],
    [
      'an archive that is not there',
      ['verify', 'oci-archive:none.tar'],
      1,
      'none.tar: there is no such file',
    ],
    ['an archive that is none', ['verify', 'oci-archive:text.tar'], 1, 'text.tar'],
    [
      'an unknown platform',
      ['verify', 'oci:layout', '--platform', 'linux/arm9'],
      2,
      '--platform linux/arm9: supported values: linux/amd64, linux/arm64',
    ],
    ['a transport that is not read', ['verify', 'docker-daemon:x'], 2, 'docker-daemon: is not read'],
    ['a name that no image has', ['verify', 'docker://debian/UPPER'], 2, 'the path must be in lower case'],
    ['docker: without //', ['verify', 'docker:debian'], 2, 'write docker://debian'],
    ['no image', ['verify'], 2, "missing required argument 'image'"],
    [
      'credentials that are not there',
      ['verify', 'oci:layout', '--authfile', 'none.json'],
      2,
      '--authfile none.json: there is no such file',
    ],
  ])('%s', async (_, args, code, message) => {
    const directory = await directoryWith({
      ...layoutFiles(['arm64', 's390x']),
      'text.tar': 'not a tar archive',
    });
    const { exitCode, stdout, stderr } = await edgebuild(directory, args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('This is a bug');
    expect(stdout).toBe('');
    expect(exitCode).toBe(code);
  });
});
