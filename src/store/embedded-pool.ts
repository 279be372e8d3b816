import type { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import pg, { type CustomTypesConfig, type PoolClient } from 'pg';

/** Our statements are far fewer; where texts were made without end, the later ones would be planned each time. */
const preparedAtMost = 500;

/**
 * PGlite as a pool of its one connection, for the same driver that a server has. A statement with parameters is
 * prepared at its first use: in WebAssembly parsing and planning cost more than running (half of the time of each).
 * The pool does not close PGlite.
 */
export function createEmbeddedPool(pglite: PGlite, types: CustomTypesConfig): pg.Pool {
  const pool = new pg.Pool(Object.assign(createPgConfig(pglite), { max: 1, idleTimeoutMillis: 0, types }));
  const names = new Map<string, string>();
  pool.on('connect', (client) => {
    prepareStatements(client, names);
  });
  return pool;
}

/** In place: the driver knows its clients by identity. It calls `query` with a text and values alone. */
function prepareStatements(client: PoolClient, names: Map<string, string>): void {
  client.query = new Proxy(client.query, {
    apply: (query, self, [text, values]: [string, readonly unknown[]]): unknown => {
      if (values.length > 0 && !names.has(text) && names.size < preparedAtMost)
        names.set(text, `s${String(names.size)}`);
      return Reflect.apply(query, self, [{ text, values, name: names.get(text) }]);
    },
  });
}
