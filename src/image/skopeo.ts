import { ImageError, type ImageErrorCode } from './errors.ts';
import { MAX_DOCUMENT } from './image.ts';

/** What skopeo is given of its surroundings; nothing else reaches it. */
export interface SkopeoOptions {
  /** The whole environment: PATH, HOME, XDG_RUNTIME_DIR, proxies, CONTAINERS_*: as the caller's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly authfile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** After SIGTERM; skopeo removes its own temporary files at once. */
const KILL_AFTER_MS = 5000;

/**
 * What skopeo's last line means. It has one exit code for everything, so its words are read, here and nowhere else.
 * First match wins. Seen with skopeo 1.9.3 [run]; the rest from containers/image and distribution's error codes [read].
 */
const classes: readonly (readonly [RegExp, ImageErrorCode, string])[] = [
  [/unauthorized|authentication required|access to the resource is denied|invalid username|status code 40[13]|403 \(?forbidden|401 \(?unauthorized/i, 'AuthenticationFailed', 'log in with `podman login`, or name a file of credentials with --authfile'],
  [/manifest unknown|name unknown|not found: manifest|does not resolve to an image|identifier is not an image|reading manifest .* not found|status code 404|image not known/i, 'ImageNotFound', 'check the name and tag'],
  [/no image found in (?:manifest list|image index)/i, 'NoSuchPlatform', 'the list has no image for the platform'],
  [/connection refused|no such host|i\/o timeout|timeout|timed out|connection reset|network is unreachable|no route to host|TLS handshake|unexpected EOF|\bEOF\b|too many requests|toomanyrequests|status code 5\d\d|certificate|server gave HTTP response to HTTPS/i, 'NetworkFailed', 'check the registry’s name and the connection'],
  [/invalid reference format|unsupported transport|repository name must be/i, 'Unsupported', 'check how the image is named'],
  [/permission denied|operation not permitted/i, 'Unreadable', 'this user may not read it'],
]; // prettier-ignore

/** buildah and podman read CONTAINERS_REGISTRIES_CONF; skopeo 1.9 has only a flag for it [run]. */
export const globalFlags = (env: Readonly<Record<string, string>>): readonly string[] => {
  const file = env['CONTAINERS_REGISTRIES_CONF'];
  return file === undefined ? [] : [`--registries-conf=${file}`];
};

const skopeo = async (
  args: readonly string[],
  reference: string,
  options: SkopeoOptions,
): Promise<Buffer> => {
  const { env, authfile, signal } = options;
  // Loaded here, because most images are files, and execa takes as long to load as a small one to read.
  const { execa } = await import('execa');
  const given = [...globalFlags(env), ...args, ...(authfile === undefined ? [] : ['--authfile', authfile])];
  const result = await execa('skopeo', given, {
    env,
    extendEnv: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    stdin: 'ignore',
    maxBuffer: MAX_DOCUMENT,
    reject: false,
    forceKillAfterDelay: KILL_AFTER_MS,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (result.code === 'ENOENT')
    throw new ImageError('ProgramMissing', 'skopeo is not on this machine: apt-get install skopeo');
  if (result.isMaxBuffer)
    throw new ImageError('TooLarge', `${reference}: its manifest is larger than ${MAX_DOCUMENT} bytes`);
  if (!result.failed) return Buffer.from(result.stdout);
  throw failure(Buffer.from(result.stderr).toString('utf8'), reference);
};

/** The error that skopeo's output means. Credentials in the reference or in skopeo's words are blanked. */
export const failure = (stderr: string, reference: string): ImageError => {
  const lines = stderr.trim().split('\n');
  const line = lines.findLast((text) => /level=(?:fatal|error)/.test(text)) ?? lines.at(-1) ?? '';
  const said = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line;
  const text = said.replace(/\/\/[^/@\s"]*@/g, '//…@').slice(0, 500);
  const [, code, remedy] = classes.find(([pattern]) => pattern.test(said)) ?? [
    undefined,
    'CopyFailed' as const,
    '',
  ];
  const name = reference.replace(/\/\/[^/@\s"]*@(?!sha)/g, '//…@');
  return new ImageError(code, `${name}: ${text}${remedy === '' ? '' : `: ${remedy}`}`);
};

/** The manifest or list that a reference names, byte for byte, so that its digest is the registry's. */
export const rawManifest = (reference: string, options: SkopeoOptions): Promise<Buffer> =>
  skopeo(['inspect', '--raw', reference], reference, options);

/**
 * Copies one image to a directory, manifest and blobs as they are: skopeo's `dir:` alone keeps a manifest of any type
 * byte for byte and compresses nothing. The layers of containers-storage, which keeps them unpacked, come plain.
 */
export const copyToDirectory = async (
  reference: string,
  directory: string,
  options: SkopeoOptions,
): Promise<void> => {
  await skopeo(
    ['copy', '--quiet', '--multi-arch', 'system', reference, `dir:${directory}`],
    reference,
    options,
  );
};
