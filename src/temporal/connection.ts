import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { tracedClient } from './traced-client.ts';

export interface Temporal {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  close(): Promise<void>;
}

export interface TemporalOptions {
  /** Over TEMPORAL_ADDRESS. */
  readonly address?: string | undefined;
  /** Over TEMPORAL_NAMESPACE. */
  readonly namespace?: string | undefined;
  /** Whether starts, signals and updates carry the trace they belong to. */
  readonly traced?: boolean;
}

/**
 * Where Temporal is: any, by the standard TEMPORAL_* variables and temporal.toml (address, namespace, API key, TLS,
 * profile); `127.0.0.1:7233` where nothing is said.
 */
export function temporalTarget(options: TemporalOptions) {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const address = options.address ?? connectionOptions.address ?? '127.0.0.1:7233';
  return {
    connectionOptions: { ...connectionOptions, address },
    address,
    namespace: options.namespace ?? namespace ?? 'default',
  };
}

/** Nothing is contacted before the first call, so a server may start while Temporal is away. */
export function connectTemporal(options: TemporalOptions = {}): Temporal {
  const { connectionOptions, address, namespace } = temporalTarget(options);
  const connection = Connection.lazy(connectionOptions);
  return {
    client: new Client({ connection, namespace, ...(options.traced === true ? { interceptors: tracedClient() } : {}) }),
    address,
    namespace,
    close: () => connection.close(),
  };
}
