import type { DatabaseConnection, Dialect, Driver } from 'kysely';
import { toStoreError, toTextError } from './store-errors.ts';

/**
 * The dialect, but a database that cannot be reached shows as AfterwordError `store_unavailable` or `disk_full` from
 * whatever statement notices it, whichever driver it is, and text that PostgreSQL does not take as `invalid_request`.
 * All other errors pass through as they are.
 */
export function withStoreErrors(dialect: Dialect): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => translatingDriver(dialect.createDriver()),
  };
}

function translatingDriver(driver: Driver): Driver {
  const seen = new WeakSet<DatabaseConnection>();
  return {
    init: (options) => translated(driver.init(options)),
    acquireConnection: async (options) => {
      const connection = await translated(driver.acquireConnection(options));
      if (!seen.has(connection)) {
        seen.add(connection);
        translateStatements(connection);
      }
      return connection;
    },
    beginTransaction: (connection, settings) => translated(driver.beginTransaction(connection, settings)),
    commitTransaction: (connection) => translated(driver.commitTransaction(connection)),
    rollbackTransaction: (connection) => translated(driver.rollbackTransaction(connection)),
    releaseConnection: (connection, options) => driver.releaseConnection(connection, options),
    destroy: (options) => driver.destroy(options),
  };
}

/** In place: the driver knows its connections by identity. */
function translateStatements(connection: DatabaseConnection): void {
  const executeQuery = connection.executeQuery.bind(connection);
  connection.executeQuery = (query, options) => translated(executeQuery(query, options));
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error) ?? toTextError(error) ?? error;
  }
}
