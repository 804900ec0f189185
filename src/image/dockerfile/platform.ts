/*
 * The names that containerd's platforms.Parse and Normalize make one: `--platform=aarch64`, `linux/arm64/v8` and
 * `linux/arm64` are the same. Source: containerd/platforms database.go, platforms.go.
 */
// prettier-ignore
const architectures: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'], ['x86-64', 'amd64'], ['amd64/v1', 'amd64'], ['aarch64', 'arm64'], ['aarch64/v8', 'arm64'],
  ['arm64/v8', 'arm64'], ['arm64/8', 'arm64'], ['arm', 'arm/v7'], ['arm/7', 'arm/v7'], ['armhf', 'arm/v7'],
  ['armel', 'arm/v6'], ['arm/6', 'arm/v6'], ['i386', '386'], ['i486', '386'], ['i586', '386'], ['i686', '386'],
]);

// prettier-ignore
const bare = new Set([
  'amd64', 'arm64', 'arm/v7', 'arm/v6', 'arm/v5', '386', 'ppc64le', 'ppc64', 's390x', 'riscv64', 'mips64le', 'mips64', 'mips',
  'mipsle', 'loong64',
]);

/** `os/architecture[/variant]` as the OCI writes it, from what people write; undefined if it is no platform. */
export const normalizePlatform = (text: string): string | undefined => {
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) return undefined;
  const [first = '', ...rest] = parts;
  const canonical = (architecture: string): string => architectures.get(architecture) ?? architecture;
  if (rest.length > 0) return `${first}/${canonical(rest.join('/'))}`;
  return bare.has(canonical(first)) ? `linux/${canonical(first)}` : undefined;
};
