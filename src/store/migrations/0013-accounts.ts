import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  // Requests a second; null: what the server allows each key.
  'alter table api_keys add column rate_limit integer',
  'create index api_keys_of_organization on api_keys (organization_id, id)',
  `create table credentials (
    organization_id text not null references organizations,
    kind text not null,
    sealed text not null,
    shown text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (organization_id, kind)
  )`,
  `create table audit_entries (
    id uuid primary key,
    organization_id text not null references organizations,
    at timestamptz not null default now(),
    key_id uuid,
    who text not null,
    action text not null,
    object text not null,
    request_id text,
    summary text not null
  )`,
  'create index audit_of_organization on audit_entries (organization_id, id desc)',
  'create index audit_of_action on audit_entries (organization_id, action, id desc)',
  'create index audit_of_object on audit_entries (organization_id, object, id desc)',
  'create index audit_of_key on audit_entries (organization_id, key_id, id desc)',
  'create index audit_by_time on audit_entries (organization_id, at)',
  // status is null while the first request with the key is under way.
  `create table idempotency_keys (
    organization_id text not null references organizations,
    key text not null,
    request_hash text not null,
    claim uuid not null,
    started_at timestamptz not null default now(),
    status smallint,
    headers text,
    body text,
    primary key (organization_id, key)
  )`,
  'create index idempotency_keys_by_age on idempotency_keys (started_at)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
