/** Refusals, as a Kubernetes API server words them. */

/** metav1.Status. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: object;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: object;
  readonly code?: number;
}

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** What a request is answered with instead of its object. */
export class Refusal extends Error {
  readonly status: Status;

  constructor(code: number, reason: string, message: string, details?: object) {
    super(message);
    this.status = {
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason },
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

export interface Resource {
  readonly group: string;
  readonly plural: string;
}

const qualified = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`);

export const notFound = (resource: Resource, name: string): Refusal =>
  new Refusal(404, 'NotFound', `${qualified(resource)} "${name}" not found`, {
    ...{ name, group: resource.group, kind: resource.plural },
  });

export const forbidden = (resource: Resource, name: string, why: string): Refusal =>
  new Refusal(403, 'Forbidden', `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    ...{ name, group: resource.group, kind: resource.plural },
  });

export const badRequest = (message: string): Refusal => new Refusal(400, 'BadRequest', message);

export const unauthorized = (message: string): Refusal => new Refusal(401, 'Unauthorized', message);

export const methodNotAllowed = (resource: Resource, verb: string): Refusal =>
  new Refusal(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualified(resource)}"`,
    {
      ...{ group: resource.group, kind: resource.plural },
    },
  );

/** @param value as Go prints it: a string is quoted. */
export const invalidValue = (field: string, value: unknown, what: string): Cause => ({
  ...{ reason: 'FieldValueInvalid', field },
  message: `Invalid value: ${JSON.stringify(value ?? '')}: ${what}`,
});

export const requiredValue = (field: string, what: string): Cause => ({
  ...{ reason: 'FieldValueRequired', field, message: `Required value: ${what}`.replace(/: $/, '') },
});

export const duplicateValue = (field: string, value: string): Cause => ({
  ...{ reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${JSON.stringify(value)}` },
});

export const notFoundValue = (field: string, value: string): Cause => ({
  ...{ reason: 'FieldValueNotFound', field, message: `Not found: ${JSON.stringify(value)}` },
});

export const internalError = (field: string, what: string): Cause => ({
  ...{ reason: 'InternalError', field, message: `Internal error: ${what}` },
});

const listed = (causes: readonly Cause[]): string => {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  return lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
};

/** @param group empty, as some of OpenShift's own errors have it. */
export const invalid = (group: string, kind: string, name: string, causes: readonly Cause[]): Refusal =>
  new Refusal(
    422,
    'Invalid',
    `${group === '' ? kind : `${kind}.${group}`} "${name}" is invalid: ${listed(causes)}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind, causes },
  );
