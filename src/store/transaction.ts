import type { Database } from './database.ts';

/** Runs `work` in a transaction: the one that `db` is already, else one of its own. */
export async function inTransaction<T>(db: Database, work: (trx: Database) => Promise<T>): Promise<T> {
  return db.isTransaction ? await work(db) : await db.transaction().execute(work);
}
