import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  `create table analytics_events (
    id uuid primary key,
    organization_id text not null references organizations,
    execution_id uuid not null references executions,
    attempt integer not null,
    ordinal integer not null,
    state text not null,
    reason text,
    registered text not null,
    payload text,
    moment timestamptz,
    registered_at timestamptz not null,
    unique (execution_id, attempt, ordinal)
  )`,
  `create table analytics_deliveries (
    event_id uuid not null references analytics_events,
    sink text not null,
    organization_id text not null references organizations,
    execution_id uuid not null references executions,
    state text not null default 'pending',
    tries integer not null default 0,
    error text,
    created_at timestamptz not null,
    due_at timestamptz not null,
    claimed_until timestamptz,
    delivered_at timestamptz,
    primary key (event_id, sink)
  )`,
  `create index analytics_deliveries_due on analytics_deliveries (sink, due_at) where state = 'pending'`,
  `create index analytics_deliveries_of_execution on analytics_deliveries (execution_id) where state = 'pending'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
