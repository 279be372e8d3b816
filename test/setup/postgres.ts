import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openStore } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { oncePerRun } from './once-per-run.ts';
import { startPostgresServer } from './postgres-server.ts';
import './provided.ts';

const templateDatabase = 'afterword_template';

/** What is safe to give up in a database that lives for one run. */
const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'wal_level=minimal', 'max_wal_senders=0'];
const roomy = ['max_connections=200', 'unix_socket_directories='];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { value, release } = await oncePerRun('postgres', startPostgres);
  project.provide('postgres', value);
  return release;
}

async function startPostgres() {
  const server = await startPostgresServer([...fast, ...roomy]);
  await createTemplate(server.url);
  return { value: { serverUrl: server.url, templateDatabase }, stop: server.stop };
}

/** A server of one's own that keeps what it has said it keeps when it is killed, with a migrated database. */
export async function startDurablePostgres() {
  const server = await startPostgresServer(roomy);
  await createTemplate(server.url);
  const { url: serverUrl, crash, stop } = server;
  return { serverUrl, databaseUrl: `${serverUrl}/${templateDatabase}`, crash, stop };
}

async function createTemplate(serverUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${serverUrl}/postgres` });
  await client.connect();
  try {
    await client.query(`create database ${templateDatabase}`);
  } finally {
    await client.end();
  }
  await migrateDatabase(`${serverUrl}/${templateDatabase}`);
}

async function migrateDatabase(databaseUrl: string): Promise<void> {
  const store = await openStore({ databaseUrl, embeddedFolder: '' });
  try {
    await migrate(store);
  } finally {
    await store.close();
  }
}
