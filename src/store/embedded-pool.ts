import type { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import pg, { type CustomTypesConfig } from 'pg';
import { createPreparing } from './prepared-statements.ts';

/**
 * PGlite as a pool of its one connection, for the same driver that a server has. Every statement with parameters is
 * prepared at its first use: in WebAssembly parsing and planning cost more than running (half of the time of each).
 * The pool does not close PGlite.
 */
export function createEmbeddedPool(pglite: PGlite, types: CustomTypesConfig): pg.Pool {
  const pool = new pg.Pool(Object.assign(createPgConfig(pglite), { max: 1, idleTimeoutMillis: 0, types }));
  pool.on(
    'connect',
    createPreparing(() => true),
  );
  return pool;
}
