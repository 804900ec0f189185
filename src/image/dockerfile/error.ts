/** A Dockerfile that cannot be read: bad input, never a bug. The message says what is wrong and what to do. */
export class DockerfileError extends Error {
  override readonly name = 'DockerfileError';
  readonly code = 'DockerfileInvalid';
  /** 1-based, in the text that was read. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}
