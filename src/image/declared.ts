import type { Platform } from '../api/platforms.ts';

/** What an image's configuration, or a list's entry, claims. */
export interface Declared {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/**
 * The variant that is meant where none is written. Source: containerd's platforms.Normalize, which docker and
 * buildah follow: arm is v7, arm64 is v8; x86's variants are instruction set levels, any of which is amd64.
 */
const defaults: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8' };

const variantOf = ({ architecture, variant }: Declared): string =>
  architecture === 'amd64' ? '' : (variant ?? '') || (defaults[architecture] ?? '');

/** `os/architecture[/variant]` as it is written. */
export const declaredName = ({ os, architecture, variant }: Declared): string =>
  [os || '(no os)', architecture || '(no architecture)', ...((variant ?? '') === '' ? [] : [variant])].join(
    '/',
  );

export const variantFits = (declared: Declared, platform: Platform): boolean =>
  variantOf(declared) === variantOf(platform);

/** Whether the claim is the platform. */
export const declares = (declared: Declared, platform: Platform): boolean =>
  declared.os === platform.os &&
  declared.architecture === platform.architecture &&
  variantFits(declared, platform);
