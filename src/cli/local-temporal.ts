import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Config } from '../config/config.ts';
import { readRuntimeFile } from './runtime-file.ts';

export interface TemporalTarget {
  readonly address?: string;
  readonly namespace?: string;
  readonly taskQueue: string;
}

/**
 * The Temporal that `npm start` runs, where the environment (TEMPORAL_ADDRESS, temporal.toml) names none; what is left
 * out is left to the environment.
 */
export function temporalTarget(config: Config): TemporalTarget {
  const { taskQueue } = config;
  if (loadClientConnectConfig().connectionOptions.address !== undefined) return { taskQueue };
  const runtime = readRuntimeFile(config.home);
  return {
    address: runtime?.temporalAddress ?? `127.0.0.1:${config.temporalPort}`,
    ...(runtime?.namespace === undefined ? {} : { namespace: runtime.namespace }),
    taskQueue: runtime?.taskQueue ?? taskQueue,
  };
}
