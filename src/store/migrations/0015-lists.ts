import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  // With the organisation in it, the index alone counts a handler's executions: 200,000 of a million took 640 ms, and 80 so.
  `drop index executions_by_handler`,
  `create index executions_by_handler on executions (organization_id, handler_id, id) where kind <> 'test'`,
  // What stands under a key of the metadata has no statistics, so as many groups were expected as there are events, and no two
  // processes shared the work.
  `alter table analytics_records alter column metadata set (n_distinct = 200)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
