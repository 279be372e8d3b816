import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Config } from '../config/config.ts';
import { readRuntimeFile } from './runtime-file.ts';

/**
 * Temporal's address where the environment (TEMPORAL_ADDRESS, temporal.toml) names none and `npm start` runs one of its
 * own; undefined leaves it to the environment.
 */
export function localTemporalAddress(config: Config): string | undefined {
  if (loadClientConnectConfig().connectionOptions.address !== undefined) return undefined;
  return readRuntimeFile(config.home)?.temporalAddress ?? `127.0.0.1:${config.temporalPort}`;
}
