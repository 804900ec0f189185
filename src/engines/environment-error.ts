/**
 * The machine lacks something that the work needs. The message says what, `remedy` is the command or the deed that
 * mends it; the command line ends with 3.
 */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
