import { inject } from 'vitest';
import { createLog } from '../../src/observability/log.ts';
import type { Keyring } from '../../src/secrets/keyring.ts';
import { startServer } from '../../src/server.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { testKeys } from './keys.ts';
import { organization, type TestSystem } from './system.ts';

export interface TestApi {
  readonly url: string;
  readonly key: string;
  request(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<{ status: number; body: unknown }>;
  stop(): Promise<void>;
}

/** The API of a system, on a port, with a key of its organisation. */
export async function startApi(
  { store, temporal, taskQueue }: TestSystem,
  { keys = testKeys, onLog }: { readonly keys?: Keyring; readonly onLog?: (line: string) => void } = {},
): Promise<TestApi> {
  const { key } = await createApiKey(store.db, organization, 'test');
  const log =
    onLog === undefined
      ? createLog({ level: 'silent', process: 'test' })
      : createLog({ level: 'debug', process: 'test' }, { write: onLog });
  const server = await startServer({
    config: { host: '127.0.0.1', port: 0, taskQueue, python: inject('python') },
    store,
    temporal,
    log,
    keys,
  });
  return {
    url: server.url,
    key,
    async request(method, path, body, signal) {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      return { status: response.status, body: await response.json() };
    },
    stop: () => server.stop(),
  };
}
