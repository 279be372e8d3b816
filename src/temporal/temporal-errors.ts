import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { AfterwordError } from '../domain/errors.ts';

/** gRPC's status codes. */
const cancelled = 1;
const deadlineExceeded = 4;
const notFound = 5;
const permissionDenied = 7;
const resourceExhausted = 8;
const unavailable = 14;
const unauthenticated = 16;

/** Away, out of capacity, or not for us (key, permission): an outage until an operator or time mends it. */
const outages: ReadonlySet<number> = new Set([
  cancelled,
  deadlineExceeded,
  permissionDenied,
  resourceExhausted,
  unavailable,
  unauthenticated,
]);

/** Temporal being away as our error; anything else as it came. */
export function toTemporalError(error: unknown): unknown {
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause)) return error;
  const code: number = cause.code;
  const namespaceMissing = code === notFound && /^namespace/i.test(cause.details);
  if (!outages.has(code) && !namespaceMissing) return error;
  return new AfterwordError('temporal_unavailable', `Temporal cannot be reached: ${cause.details}`, { cause: error });
}
