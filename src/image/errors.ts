/** Why an image cannot be read. Callers switch on the code; the message is for people. */
export type ImageErrorCode =
  /** No image, tag, file or blob of that name. */
  | 'ImageNotFound'
  /** The file system refused: permission, an I/O error, not a file. */
  | 'Unreadable'
  /** It ends before it should. */
  | 'Truncated'
  /** It contradicts itself: digest, checksum, structure. */
  | 'Corrupt'
  /** A list of images without one for the platform. */
  | 'NoSuchPlatform'
  /** Several images fit the reference, and nothing says which is meant. */
  | 'Ambiguous'
  /** More than the stated limits allow. */
  | 'TooLarge'
  /** A reference, format or media type that is not read. */
  | 'Unsupported'
  /** A registry or the network did not answer: worth a retry. */
  | 'NetworkFailed'
  /** The registry wants other credentials. */
  | 'AuthenticationFailed'
  /** A program that is needed, skopeo, is not on this machine. */
  | 'ProgramMissing'
  /** skopeo failed for a reason we do not know. */
  | 'CopyFailed';

export class ImageError extends Error {
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
    this.code = code;
  }
}

const fileErrors: Readonly<Record<string, readonly [ImageErrorCode, string]>> = {
  ENOENT: ['ImageNotFound', 'there is no such file: check the path'],
  ENOTDIR: ['ImageNotFound', 'a part of the path is not a directory: check the path'],
  EACCES: ['Unreadable', 'permission denied: make it readable for this user'],
  EPERM: ['Unreadable', 'permission denied: make it readable for this user'],
  ELOOP: ['Unreadable', 'its symbolic links lead in a circle'],
  ENAMETOOLONG: ['ImageNotFound', 'the name is too long for a file'],
  ERR_INVALID_ARG_VALUE: ['ImageNotFound', 'the name holds a NUL byte'],
};

/** What a failed file system call means; errors that are not of the file system pass unchanged. */
export const fileError = (error: unknown, path: string): unknown => {
  if (error instanceof ImageError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return error;
  const [imageCode, text] = fileErrors[code] ?? ['Unreadable', `reading it failed with ${code}`];
  return new ImageError(imageCode, `${path}: ${text}`, { cause: error });
};
