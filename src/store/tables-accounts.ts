import type { Generated } from 'kysely';
import type { Scope } from '../domain/scopes.ts';

export interface AccountsTables {
  organizations: OrganizationsTable;
  api_keys: ApiKeysTable;
  secrets: SecretsTable;
  credentials: CredentialsTable;
  audit_entries: AuditEntriesTable;
  idempotency_keys: IdempotencyKeysTable;
}

interface OrganizationsTable {
  /** A slug, chosen once: it stands in workflow ids and search attributes. */
  id: string;
  name: string;
  /** JSON of EgressRules; null: none. */
  egress: Generated<string | null>;
  created_at: Generated<Date>;
}

export interface ApiKeysTable {
  id: string;
  organization_id: string;
  name: string;
  /** First characters, for people. */
  prefix: string;
  /** SHA-256 of the key, hex: keys have 256 bits of their own, so no slow hash is needed. */
  hash: string;
  scopes: Generated<Scope[]>;
  /** Requests a second; null: what the server allows each key. */
  rate_limit: Generated<number | null>;
  expires_at: Generated<Date | null>;
  last_used_at: Generated<Date | null>;
  created_at: Generated<Date>;
  revoked_at: Date | null;
}

export interface SecretsTable {
  organization_id: string;
  name: string;
  /** See src/secrets/keyring.ts; it opens for this organisation and name only. */
  sealed: string;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

/** What helpers use outside in the name of an organisation. */
export interface CredentialsTable {
  organization_id: string;
  kind: 'llm' | 'google';
  /** JSON, sealed for this organisation and kind. */
  sealed: string;
  /** JSON of what people are told of it. */
  shown: string;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface AuditEntriesTable {
  /** UUIDv7: newest last. */
  id: string;
  organization_id: string;
  at: Generated<Date>;
  /** Null: somebody at the machine. */
  key_id: string | null;
  /** The key's name then; `operator` for somebody at the machine. */
  who: string;
  action: string;
  object: string;
  request_id: string | null;
  /** JSON of what changed, without secrets. */
  summary: string;
}

interface IdempotencyKeysTable {
  organization_id: string;
  key: string;
  /** SHA-256 of method, path and body. */
  request_hash: string;
  /** Of the request that works under this key. */
  claim: string;
  started_at: Generated<Date>;
  /** Null while the first request is under way. */
  status: number | null;
  /** JSON of the answer's headers. */
  headers: string | null;
  body: string | null;
}
