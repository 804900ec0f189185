/** One thing that is wrong with what was given. */
export interface InputIssue {
  /** The file, as it was named; `-` is standard input. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  /** In characters, counted from 1. */
  readonly column?: number;
  /** The field, as the API server names it: `spec.platforms[0]`. Empty when it is about the whole. */
  readonly path: string;
  /** What is wrong: for fields of an object in the API server's own words. */
  readonly message: string;
}

/** `x.yaml:3:5: spec.platforms[0]: Unsupported value: …`; a path that the message names already is not said twice. */
const issueText = ({ file, line, column, path, message }: InputIssue): string => {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const subject = path !== '' && !message.includes(`"${path}"`) ? `${path}: ` : '';
  return `${place === '' ? '' : `${place}: `}${subject}${message}`;
};

/**
 * What was given is wrong: an object, a file or a flag; found before any work (exit status 2). Its message has one line
 * an issue.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
  /** At least one. */
  readonly issues: readonly InputIssue[];

  /** @param wrong the issues, or the text of the only one where there is no field to name. */
  constructor(wrong: string | readonly InputIssue[]) {
    const issues = typeof wrong === 'string' ? [{ path: '', message: wrong }] : wrong;
    super(issues.map(issueText).join('\n'));
    this.issues = issues;
  }
}
