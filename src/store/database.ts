import { EventEmitter } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteAdapter, PostgresDialect } from 'kysely';
import pg from 'pg';
import { takeLock } from './embedded-lock.ts';
import { createEmbeddedPool } from './embedded-pool.ts';
import { withStoreErrors } from './error-translating-dialect.ts';
import { createPreparing, isMarked } from './prepared-statements.ts';
import type { Tables } from './tables.ts';

export { isMissingReference, isUniqueViolation, toStoreError } from './store-errors.ts';

/** A transaction is one too. Inside a transaction use only the transaction: with PGlite the outer one would wait for ever. */
export type Database = Kysely<Tables>;

export interface Store {
  readonly db: Database;
  readonly kind: 'postgres' | 'embedded';
  /** Whenever a connection to PostgreSQL ends that was not to. */
  onConnectionLost(listener: () => void): void;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** PostgreSQL's URL; without one the embedded store in `embeddedFolder` is used. */
  readonly databaseUrl?: string | undefined;
  readonly embeddedFolder: string;
  /** Connections to PostgreSQL at most; 10 by default. */
  readonly poolSize?: number;
}

/** To a server that does not answer, and for a free connection of the pool. */
const connectTimeoutMs = 10_000;

/**
 * Opens the store; all differences between the two engines end here. PostgreSQL is not contacted yet: the first
 * statement is, and throws `store_unavailable` while the server is away, `pg` reconnecting by itself when it is back.
 * The embedded store belongs to one process: a second one gets `store_locked`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  return options.databaseUrl === undefined
    ? await openEmbedded(options.embeddedFolder)
    : openPostgres(options.databaseUrl, options.poolSize ?? 10);
}

function openPostgres(connectionString: string, poolSize: number): Store {
  const pool = new pg.Pool({
    connectionString,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: 'afterword',
    types: valueTypes(),
  });
  // A connection that dies says so twice: here, and to the statement that uses it next. Without a listener the first
  // would end the process: the pool's hears of idle connections, the client's of one that is inside a transaction.
  const lost = new EventEmitter();
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', () => lost.emit('lost')));
  pool.on('connect', createPreparing(isMarked));
  const db = new Kysely<Tables>({ dialect: withStoreErrors(new PostgresDialect({ pool })) });
  return {
    db,
    kind: 'postgres',
    onConnectionLost: (listener) => void lost.on('lost', listener),
    close: once(() => db.destroy()),
  };
}

async function openEmbedded(folder: string): Promise<Store> {
  mkdirSync(folder, { recursive: true });
  const release = takeLock(join(folder, 'lock'), folder);
  try {
    const pglite = await PGlite.create({ dataDir: join(folder, 'data') });
    const pool = createEmbeddedPool(pglite, valueTypes());
    const dialect = new PostgresDialect({ pool });
    // The adapter says that there is one connection, which migrations must know.
    dialect.createAdapter = () => new PGliteAdapter();
    const db = new Kysely<Tables>({ dialect: withStoreErrors(dialect) });
    const close = once(async () => {
      await db.destroy();
      // Kysely ends only what it has used.
      if (!pool.ending) await pool.end();
      await pglite.close();
      release();
    });
    return { db, kind: 'embedded', onConnectionLost: ignore, close };
  } catch (error) {
    release();
    throw error;
  }
}

/** bigint as a number: ours stay far below 2^53. */
function valueTypes(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, Number);
  return types;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}

function ignore(): void {
  // See where it is used.
}
