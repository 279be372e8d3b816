import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import './provided.ts';

export interface TestDatabase {
  readonly url: string;
  /** Also ends connections that are still open. */
  drop(): Promise<void>;
}

/** A database of one's own with the schema and nothing in it: a copy of the migrated template, about 30 ms. */
export async function createDatabase(): Promise<TestDatabase> {
  const { serverUrl, templateDatabase } = inject('postgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(`create database ${name} template ${templateDatabase}`);
  return { url: `${serverUrl}/${name}`, drop: () => onServer(`drop database if exists ${name} with (force)`) };
}

/** The same without a schema, for tests of the migrations. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const { serverUrl } = inject('postgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(`create database ${name} template template0`);
  return { url: `${serverUrl}/${name}`, drop: () => onServer(`drop database if exists ${name} with (force)`) };
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${inject('postgres').serverUrl}/postgres` });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
