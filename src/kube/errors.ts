/**
 * Everything that can go wrong between here and an API server, as one class, told apart by `code` and `reason` alone:
 * texts are for people.
 *
 * `code` is the HTTP status, or 0 when no whole answer came. `reason` is the server's (`metav1.StatusReason`) where the
 * body is a Status object. An aggregated API that is down answers 503 in plain text, and proxies answer HTML: then the
 * reason is the one that goes with the code, as client-go's NewGenericServerResponse has it.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: ApiReason | (string & {});
  /** The server's own wish, in milliseconds, from `Retry-After` or the Status' `retryAfterSeconds`. */
  readonly retryAfterMs: number | undefined;
  /** What was asked: "apply configmaps default/x". */
  readonly request: string;
  /** What the server says of single fields (`metav1.StatusCause`). */
  readonly causes: readonly StatusCause[];

  constructor(failure: Failure) {
    super(`${failure.request}: ${failure.message}`, { cause: failure.cause });
    this.code = failure.code;
    this.reason = failure.reason;
    this.retryAfterMs = failure.retryAfterMs;
    this.request = failure.request;
    this.causes = failure.causes ?? [];
  }
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

interface Failure {
  readonly request: string;
  readonly message: string;
  readonly code: number;
  readonly reason: ApiError['reason'];
  readonly retryAfterMs?: number | undefined;
  readonly causes?: readonly StatusCause[];
  readonly cause?: unknown;
}

/** Reasons that this client gives, beside those that servers give. */
export type ApiReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'UnsupportedMediaType'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout'
  /** No connection, or one that broke. */
  | 'ConnectionFailed'
  /** No answer before the deadline of the call. */
  | 'DeadlineExceeded'
  /** The answer is not what the API promises: JSON cut off, an object without metadata. */
  | 'BrokenAnswer'
  /** This process may not write now: another one may be the leader. Nothing was sent. */
  | 'NotLeader'
  /** Credentials could not be had: an exec plugin that fails, a token file that is missing. */
  | 'CredentialsUnavailable'
  | 'Unknown';

/** Source: k8s.io/apimachinery pkg/api/errors, NewGenericServerResponse. */
const reasonsByCode: Readonly<Record<number, ApiReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  502: 'ServiceUnavailable',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};
const reasonOf = (code: number): ApiReason =>
  reasonsByCode[code] ?? (code >= 500 ? 'InternalError' : 'Unknown');

/** Long enough for any Status, short enough for a log line. */
const maxMessageLength = 1024;

/** An answer that says no, whatever its body is. */
export const errorOfAnswer = (
  request: string,
  code: number,
  body: string,
  retryAfter?: string,
  now: number = Date.now(),
): ApiError => {
  const status = statusIn(body);
  const reason = status?.reason ?? '';
  const waitSeconds = status?.details?.retryAfterSeconds;
  return new ApiError({
    request,
    code,
    reason: reason === '' ? reasonOf(code) : reason,
    message: shorten(status?.message ?? `${code}: ${firstWords(body)}`),
    retryAfterMs:
      retryAfterMs(retryAfter, now) ?? (waitSeconds === undefined ? undefined : waitSeconds * 1000),
    causes: status?.details?.causes ?? [],
  });
};

/** A watch says no inside its stream: `{"type":"ERROR","object":Status}`. */
export const errorOfStatus = (request: string, status: unknown): ApiError => {
  const code = isStatus(status) && typeof status.code === 'number' ? status.code : 500;
  return errorOfAnswer(request, code, JSON.stringify(status ?? null));
};

/** A call that ended without an answer: `cause` is what the network, or the deadline, said. */
export const errorOfNoAnswer = (
  request: string,
  reason: 'ConnectionFailed' | 'DeadlineExceeded' | 'BrokenAnswer' | 'NotLeader' | 'CredentialsUnavailable',
  message: string,
  cause?: unknown,
): ApiError => new ApiError({ request, code: 0, reason, message, cause });

const isApiError = (error: unknown): error is ApiError => error instanceof ApiError;
const hasCode =
  (...codes: readonly number[]) =>
  (error: unknown): boolean =>
    isApiError(error) && codes.includes(error.code);
const hasReason = (error: unknown, reason: ApiReason): boolean =>
  isApiError(error) && error.reason === reason;

export const isNotFound = hasCode(404);
/** The object was refused for what is in it. Asking again with the same one is of no use. */
export const isInvalid = hasCode(400, 422);
/** The resourceVersion of a list or a watch is too old: list anew. */
export const isGone = hasCode(410);
/** Somebody else was faster, or owns a field: read again. An object that exists already has a reason of its own. */
export const isConflict = (error: unknown): boolean =>
  hasCode(409)(error) && !hasReason(error, 'AlreadyExists');
export const isAlreadyExists = (error: unknown): boolean =>
  hasCode(409)(error) && hasReason(error, 'AlreadyExists');
/** Nothing is made in a namespace that is being deleted (k8s.io/api core/v1, NamespaceTerminatingCause). */
export const isNamespaceTerminating = (error: unknown): boolean =>
  hasCode(403)(error) && (error as ApiError).causes.some(({ reason }) => reason === 'NamespaceTerminating');
export const isNotLeader = (error: unknown): boolean => isApiError(error) && error.reason === 'NotLeader';

/** Likely to pass by itself: the network, a server that starts, stops, or has too much to do. */
export const isTransient = (error: unknown): boolean =>
  isApiError(error) && (error.code === 0 || error.code === 429 || error.code >= 500);

interface StatusObject {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly StatusCause[] };
}

const isStatus = (value: unknown): value is StatusObject =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';

const statusIn = (body: string): StatusObject | undefined => {
  if (!body.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return isStatus(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Tags of an HTML page say nothing to a person. */
const firstWords = (body: string): string =>
  body
    .slice(0, 4 * maxMessageLength)
    .replaceAll(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim() || 'an empty answer';

const shorten = (text: string): string =>
  text.length <= maxMessageLength ? text : `${text.slice(0, maxMessageLength)}…`;

/** RFC 9110, 10.2.3: seconds, or a date. */
const retryAfterMs = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined || header === '') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
};
