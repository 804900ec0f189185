/** Names and labels as OpenShift cuts them. Shapes: openshift/library-go pkg/build/naming, apimachinery's validation. */

const longestLabel = 63;
const longestPodName = 253;

/** Annotations keep the whole. */
export const labelValue = (name: string): string => name.slice(0, longestLabel);

/** FNV-1a of 32 bits, in 8 hexadecimal digits. */
const hash = (text: string): string => {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value.toString(16).padStart(8, '0');
};

/** `base-suffix`; where that is too long, `cut base-hash of base-suffix`. */
export const nameOf = (base: string, suffix: string, longest: number): string => {
  const name = `${base}-${suffix}`;
  if (name.length <= longest) return name;
  const kept = longest - 10 - suffix.length;
  if (kept < 0) return `${base.slice(0, Math.max(0, longest - 9))}-${hash(name)}`.slice(0, longest);
  return `${base.slice(0, kept)}-${hash(base)}-${suffix}`;
};

export const podNameOf = (build: string): string => nameOf(build, 'build', longestPodName);

/** Of a volume that shows a Secret. */
export const volumeNameOf = (secret: string, suffix: string): string =>
  nameOf(secret, suffix, longestLabel).replaceAll('.', '-');
