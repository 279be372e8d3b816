import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { AfterwordError } from '../domain/errors.ts';

/** gRPC: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const unavailableCodes: ReadonlySet<number> = new Set([1, 4, 8, 14]);

/** Temporal being away as our error; anything else as it came. */
export function toTemporalError(error: unknown): unknown {
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause) || !unavailableCodes.has(cause.code)) return error;
  return new AfterwordError('temporal_unavailable', `Temporal cannot be reached: ${cause.details}`, { cause: error });
}
