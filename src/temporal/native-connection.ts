import { NativeConnection } from '@temporalio/worker';
import { AfterwordError } from '../domain/errors.ts';
import { temporalTarget, type TemporalOptions } from './connection.ts';

/** The workers' kind of connection to the same Temporal; apart, so that a publisher need not load the worker. */
export async function connectNative(options: TemporalOptions = {}): Promise<NativeConnection> {
  const { connectionOptions, address } = temporalTarget(options);
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (cause) {
    throw new AfterwordError('temporal_unavailable', `Temporal at ${address} cannot be reached.`, { cause });
  }
}
