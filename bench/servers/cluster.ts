import { join } from 'node:path';
import pg from 'pg';
import { openStore } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startPostgresServer } from '../../test/setup/postgres-server.ts';
import { startTemporalCluster } from '../../test/setup/temporal-cluster.ts';
import type { Servers } from './servers.ts';

const database = 'afterword';
const workers = 2;

/** As in production: PostgreSQL, with its own settings, under the real Temporal server and under the store; two workers. */
export async function cluster(folder: string): Promise<Servers> {
  const postgres = await startPostgresServer(['max_connections=200', 'unix_socket_directories=']);
  const databaseUrl = `${postgres.url}/${database}`;
  await createDatabase(postgres.url);
  const store = await openStore({ databaseUrl, embeddedFolder: '' });
  await migrate(store).finally(() => store.close());
  const temporal = await startTemporalCluster(postgres.url, join(folder, 'temporal'));
  return {
    address: temporal.address,
    databaseUrl,
    pids: [temporal.pid(), postgres.pid],
    workers,
    async stop() {
      await temporal.stop();
      await postgres.stop();
    },
  };
}

async function createDatabase(serverUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${serverUrl}/postgres` });
  await client.connect();
  await client.query(`create database ${database}`).finally(() => client.end());
}
