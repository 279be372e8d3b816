/** The server, API and relay, as a process of its own on PostgreSQL. */
import { createLog } from '../../src/observability/log.ts';
import { startServer } from '../../src/server.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { openStore } from '../../src/store/database.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { connectTemporal } from '../../src/temporal/connection.ts';
import { serve } from './serve.ts';

const log = createLog({ level: 'error', process: 'bench' });
const store = await openStore({ databaseUrl: process.env.BENCH_DATABASE_URL, embeddedFolder: '' });
const organization = process.env.BENCH_ORGANIZATION ?? '';
await ensureOrganization(store.db, { id: organization, name: organization });
const temporal = connectTemporal({ address: process.env.BENCH_TEMPORAL });
const config = {
  host: '127.0.0.1',
  port: 0,
  taskQueue: 'afterword',
  python: null,
  rateLimit: { perSecond: 1_000_000, burst: 1_000_000 },
};
const { url } = await startServer({ config, store, temporal, log });

serve({
  async api() {
    return { url, key: (await createApiKey(store.db, organization, 'bench')).key };
  },
});
