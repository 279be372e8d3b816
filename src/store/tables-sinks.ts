import type { Generated } from 'kysely';
import type { SinkKind } from '../domain/sink-kinds.ts';

export interface SinkTables {
  analytics_sinks: AnalyticsSinksTable;
  analytics_records: AnalyticsRecordsTable;
}

/** Where an organisation has its analytics events sent. */
export interface AnalyticsSinksTable {
  /** A UUID, as text: it stands in `analytics_deliveries.sink`. */
  id: string;
  organization_id: string;
  name: string;
  kind: SinkKind;
  enabled: Generated<boolean>;
  /** Why it was switched off, where nobody did it. */
  off_reason: string | null;
  /** JSON of the kind's settings, without what is secret. */
  settings: string;
  /** JSON of what is secret, sealed for this organisation and sink; null: nothing is. */
  sealed: string | null;
  /** Runs in a row in which it took nothing. */
  failures: Generated<number>;
  /** While it is left alone because it failed. */
  rest_until: Date | null;
  /** Of the last run in which it took nothing; null after one in which it took something. */
  last_error: string | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  /** Then only its name is left, for the deliveries there were. */
  deleted_at: Date | null;
}

/** Of each accepted analytics event what can be asked for; see analytics-record.ts. */
export interface AnalyticsRecordsTable {
  event_id: string;
  organization_id: string;
  moment: Date;
  project: string;
  contact_urn: string;
  key: string;
  /** In lower case. */
  value_type: string;
  /** As the datalake's client would send it: `42`, `True`, `['a', 'b']`. */
  value: string;
  metadata: unknown;
}
