import { sql } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import { AfterwordError } from '../domain/errors.ts';
import type { Database, Store } from './database.ts';
import * as spine from './migrations/0001-spine.ts';
import * as directRuns from './migrations/0002-direct-runs.ts';
import * as analyticsEvents from './migrations/0003-analytics-events.ts';
import * as reruns from './migrations/0004-reruns.ts';
import * as laterEvents from './migrations/0005-later-events.ts';
import * as turns from './migrations/0006-turns.ts';
import * as secrets from './migrations/0007-secrets.ts';
import * as egress from './migrations/0008-egress.ts';
import * as scopes from './migrations/0009-scopes.ts';
import * as incoming from './migrations/0010-incoming.ts';
import * as sinks from './migrations/0011-sinks.ts';
import * as executionsAndHandlers from './migrations/0012-executions-and-handlers.ts';
import * as accounts from './migrations/0013-accounts.ts';
import * as retention from './migrations/0014-retention.ts';
import * as lists from './migrations/0015-lists.ts';

/** In the order they are applied; a name, once published, stays. */
const migrations: Record<string, Migration> = {
  '0001-spine': spine,
  '0002-direct-runs': directRuns,
  '0003-analytics-events': analyticsEvents,
  '0004-reruns': reruns,
  '0005-later-events': laterEvents,
  '0006-turns': turns,
  '0007-secrets': secrets,
  '0008-egress': egress,
  '0009-scopes': scopes,
  '0010-incoming': incoming,
  '0011-sinks': sinks,
  '0012-executions-and-handlers': executionsAndHandlers,
  '0013-accounts': accounts,
  '0014-retention': retention,
  '0015-lists': lists,
};

const migrationTableName = 'schema_migrations';

/**
 * Brings the schema up to date and answers the names it applied. Any number of processes may do so at once: one
 * applies, the others wait. Throws `schema_newer` and changes nothing when the database knows a migration that this
 * program does not.
 */
export async function migrate(store: Store): Promise<string[]> {
  refuseNewer(await appliedMigrations(store.db));
  const migrator = new Migrator({
    db: store.db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName,
    migrationLockTableName: 'schema_migration_lock',
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    // A newer program may have migrated since the look above.
    refuseNewer(await appliedMigrations(store.db));
    throw error instanceof Error ? error : new Error('A migration failed.', { cause: error });
  }
  return (results ?? []).map((result) => result.migrationName);
}

/** Throws `schema_missing` before the migrations have run, `schema_newer` when this program is too old. */
export async function checkSchema(store: Store): Promise<void> {
  const applied = await appliedMigrations(store.db);
  refuseNewer(applied);
  const missing = Object.keys(migrations).filter((name) => !applied.includes(name));
  if (missing.length > 0) {
    throw new AfterwordError('schema_missing', `The database lacks the migrations ${missing.join(', ')}.`);
  }
}

function refuseNewer(applied: readonly string[]): void {
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw new AfterwordError(
      'schema_newer',
      `The database has migrations that this program does not know: ${unknown.join(', ')}.`,
    );
  }
}

async function appliedMigrations(db: Database): Promise<string[]> {
  const table = await sql<{ present: boolean }>`
    select to_regclass(${migrationTableName}) is not null as present`.execute(db);
  if (table.rows[0]?.present !== true) return [];
  const applied = await sql<{ name: string }>`
    select name from ${sql.table(migrationTableName)} order by name`.execute(db);
  return applied.rows.map((row) => row.name);
}
