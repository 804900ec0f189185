import type { ElfTarget, Platform } from '../api/platforms.ts';
import { declaredName, declares } from './declared.ts';
import { architectureOf, matchesPlatform } from './elf.ts';
import { countElfFiles } from './elffiles.ts';
import type { ImageConfig } from './ocitypes.ts';
import { follow, surroundingsOf } from './program.ts';
import type { Survey } from './survey.ts';

/** Whether a build for a platform can start from an image. */
export interface BaseVerdict {
  /** `mislabelled`: its programs fit and its configuration says otherwise: a warning, not a failure. */
  readonly verdict: 'matches' | 'mislabelled' | 'wrong';
  /** The architecture of its programs; of an image without any, what its configuration says. */
  readonly found: string;
  readonly message: string;
}

/**
 * What a base image is, its programs decide: /bin/sh, without one the most of its ELF files, without any its
 * configuration. multiarch/debian-debootstrap:arm64-stretch-slim says amd64, holds AArch64 programs and an x86_64
 * emulator, and builds arm64 images. Pure.
 */
export const judgeBase = (survey: Survey, config: ImageConfig, platform: Platform): BaseVerdict => {
  const claims = declares(config, platform);
  const says = `its configuration says ${declaredName(config)}`;
  const { elf, because } = machineOf(survey, config);
  if (elf === undefined) {
    const found = config.architecture;
    if (claims) return { verdict: 'matches', found, message: `no program in it; ${says}` };
    return {
      verdict: 'mislabelled',
      found,
      message: `no program in it, so it serves ${platform.name} too, though ${says}`,
    };
  }
  const found = architectureOf(elf);
  if (!matchesPlatform(elf, platform))
    return {
      verdict: 'wrong',
      found,
      message: `its programs are for ${found}, not ${platform.name} (${because}; ${says}): name an image for ${platform.name}`,
    };
  if (claims) return { verdict: 'matches', found, message: `its programs are for ${found} (${because})` };
  return {
    verdict: 'mislabelled',
    found,
    message: `its programs are for ${found} (${because}), though ${says}: used for ${platform.name}`,
  };
};

const machineOf = (
  { root }: Survey,
  config: ImageConfig,
): { readonly elf: ElfTarget | undefined; readonly because: string } => {
  const shell = follow(surroundingsOf(root, config), '/bin/sh').programs.at(-1);
  if (shell !== undefined) return { elf: shell.elf, because: shell.resolved };
  const { machines, total } = countElfFiles(root, () => true);
  const [most] = machines;
  return { elf: most?.elf, because: `${most?.count ?? 0} of ${total} ELF files` };
};
