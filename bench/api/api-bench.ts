import { sql } from 'kysely';
import pg from 'pg';
import { Pool } from 'undici';
import { openStore, type Store } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startPostgresServer } from '../../test/setup/postgres-server.ts';
import { startChild, type Child } from '../processes/child.ts';

/** Nobody listens there. */
const noTemporal = '127.0.0.1:1';
const database = 'afterword';
export const connections = 50;

export interface ApiClient {
  /** Throws for any status but 2xx. */
  ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<string>;
}

/** PostgreSQL with its own settings, and servers on it. */
export interface ApiBench {
  readonly organization: string;
  /** For rows that are seeded past the API. */
  readonly store: Store;
  /** The API of a server process of its own, over `connections` connections; without a Temporal where none is named. */
  server(temporalAddress?: string): Promise<ApiClient>;
}

export async function withApiBench<Result>(work: (bench: ApiBench) => Promise<Result>): Promise<Result> {
  const organization = 'bench';
  const postgres = await startPostgresServer(['max_connections=100', 'unix_socket_directories=']);
  const databaseUrl = `${postgres.url}/${database}`;
  await createDatabase(postgres.url);
  const store = await openStore({ databaseUrl, embeddedFolder: '' });
  const children: Child[] = [];
  const pools: Pool[] = [];
  try {
    await migrate(store);
    await makeLogFiles(store);
    return await work({
      organization,
      store,
      async server(temporalAddress = noTemporal) {
        const env = {
          BENCH_DATABASE_URL: databaseUrl,
          BENCH_TEMPORAL: temporalAddress,
          BENCH_ORGANIZATION: organization,
        };
        const child = await startChild('./api-server.ts', env);
        children.push(child);
        const { url, key } = await child.ask<{ url: string; key: string }>('api');
        const pool = new Pool(url, { connections });
        pools.push(pool);
        return clientOf(pool, key);
      },
    });
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
    await Promise.all(children.map((child) => child.stop()));
    await store.close();
    await postgres.stop();
  }
}

function clientOf(pool: Pool, key: string): ApiClient {
  return {
    async ask(method, path, body) {
      const answer = await pool.request({
        method,
        path: `/api/v1${path}`,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${String(answer.statusCode)} ${text}`);
      return text;
    },
  };
}

/**
 * A server that has run for some minutes has files to write its log into again; a new one fills each with zeros first, and everybody
 * waits a second for it.
 */
async function makeLogFiles({ db }: Store): Promise<void> {
  for (let file = 0; file < 5; file += 1) {
    await sql`select pg_logical_emit_message(false, 'bench', 'one more')`.execute(db);
    await sql`select pg_switch_wal()`.execute(db);
  }
  await sql`checkpoint`.execute(db);
}

async function createDatabase(serverUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${serverUrl}/postgres` });
  await client.connect();
  await client.query(`create database ${database}`).finally(() => client.end());
}
