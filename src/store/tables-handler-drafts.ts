import type { Generated } from 'kysely';

/** What was saved of a handler and does not run yet; one a name. */
export interface HandlerDraftsTable {
  organization_id: string;
  /** Of the handler that it changes, or of one that there will be. */
  name: string;
  event_type: string;
  /** JSON, as in handler_versions. */
  files: string;
  /** JSON of HandlerSettings. */
  settings: string;
  /** The version that was current when the draft was begun; null where there was no handler. */
  base_version: number | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}
