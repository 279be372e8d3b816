import type { Generated } from 'kysely';
import type { DeliveryState, StoredEventState } from '../domain/analytics-states.ts';
import type { AttemptOutcome, ExecutionKind, ExecutionStatus, FailureReason } from '../domain/status.ts';
import type { CallEffect, CallState } from '../domain/recorded-calls.ts';
import type { AccountsTables } from './tables-accounts.ts';
import type { HandlerDraftsTable } from './tables-handler-drafts.ts';
import type { IncomingTables } from './tables-incoming.ts';
import type { SinkTables } from './tables-sinks.ts';

/**
 * The truth of the columns. JSON that only passes through is stored as `text`: it is handed on as it came, without a
 * parse. Times are `timestamptz` and come as `Date`.
 */
export interface Tables extends AccountsTables, IncomingTables, SinkTables {
  handlers: HandlersTable;
  handler_versions: HandlerVersionsTable;
  handler_drafts: HandlerDraftsTable;
  conversations: ConversationsTable;
  messages: MessagesTable;
  conversation_metadata: ConversationMetadataTable;
  tags: TagsTable;
  conversation_tags: ConversationTagsTable;
  timeline_events: TimelineEventsTable;
  conversation_events: ConversationEventsTable;
  executions: ExecutionsTable;
  direct_runs: DirectRunsTable;
  test_run_writes: TestRunWritesTable;
  attempts: AttemptsTable;
  calls: CallsTable;
  replayed_calls: ReplayedCallsTable;
  log_chunks: LogChunksTable;
  analytics_events: AnalyticsEventsTable;
  analytics_deliveries: AnalyticsDeliveriesTable;
}

export interface HandlersTable {
  id: string;
  organization_id: string;
  name: string;
  event_type: string;
  language: string;
  enabled: boolean;
  /** `version` of the handler_versions row that new events run. */
  current_version: number;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  /** Then it runs no more and its name belongs to nobody; its executions stay. */
  deleted_at: Generated<Date | null>;
}

export interface HandlerVersionsTable {
  id: string;
  organization_id: string;
  handler_id: string;
  version: number;
  /** JSON object of file name to source text. */
  files: string;
  /** JSON of HandlerSettings. */
  settings: string;
  /** These two as in the settings, where each event need not read them. */
  delay_seconds: Generated<number>;
  cancel_on: Generated<string[]>;
  note: string | null;
  created_at: Generated<Date>;
}

export interface ConversationsTable {
  id: string;
  organization_id: string;
  public_id: string;
  subject: string;
  business_slug: string;
  business_name: string;
  /** JSON object or null. */
  customer: string | null;
  initial_channel: string | null;
  latest_channel: string | null;
  browser_session: string | null;
  message_count: Generated<number>;
  message_bytes: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  /** Then nothing but the ids and the times is left of it. */
  erased_at: Generated<Date | null>;
}

export interface MessagesTable {
  organization_id: string;
  conversation_id: string;
  /** From 1, without gaps: conversations.message_count is the newest. */
  seq: number;
  message_id: string;
  /** The message as JSON text, as the handler sees it. */
  body: string;
}

export interface ConversationMetadataTable {
  organization_id: string;
  conversation_id: string;
  key: string;
  value: string;
  updated_at: Generated<Date>;
}

export interface TagsTable {
  id: string;
  organization_id: string;
  name: string;
  created_at: Generated<Date>;
}

export interface ConversationTagsTable {
  organization_id: string;
  conversation_id: string;
  tag_id: string;
  created_at: Generated<Date>;
}

export interface TimelineEventsTable {
  id: string;
  organization_id: string;
  /** What whoever sent it calls it; the same again is the same event. */
  external_id: Generated<string | null>;
  timestamp: Date;
  session_id: string | null;
  conversation_id: string | null;
  source: string | null;
  source_id: string | null;
  category: string | null;
  type: string | null;
  user_id: string | null;
  description: string | null;
  /** JSON object or null. */
  attributes: string | null;
  created_at: Generated<Date>;
}

export interface ConversationEventsTable {
  id: string;
  organization_id: string;
  source: string;
  event_id: string;
  type: string;
  conversation_id: string;
  actor: string | null;
  occurred_at: Date;
  received_at: Date;
  /** JSON of what the handler's context says of the conversation, without the messages, as it was at received_at. */
  context: string;
  /** The newest message the event saw. */
  message_seq: number;
  workflow_id: string;
  /** Run id of the workflow that took the event up. */
  claimed_by: string | null;
  claimed_at: Date | null;
  /** When the relay should look at the event next, while nobody claimed it. */
  relay_at: Date;
}

export interface ExecutionsTable {
  id: string;
  organization_id: string;
  kind: Generated<ExecutionKind>;
  /** This and the next three: null only where no event started it; then its row in direct_runs says the rest. */
  event_id: string | null;
  conversation_id: string | null;
  /** Also of a direct run that ran a handler's saved or edited code. */
  handler_id: string | null;
  /** Also of a direct run that ran saved code. */
  handler_version_id: string | null;
  /** Order among the event's executions, from 0. */
  ordinal: number;
  /** Its event's or its direct run's, where lists need not ask them. */
  event_type: Generated<string | null>;
  status: Generated<ExecutionStatus>;
  reason: FailureReason | null;
  /** JSON of HandlerError. */
  error: string | null;
  /** What lists search of the error: see error-text.ts. */
  error_text: Generated<string | null>;
  /** JSON. */
  result: string | null;
  /** The newest attempt: the fence. A write of an older one changes nothing. */
  attempt: Generated<number>;
  /** Temporal's number of it: an older one begins nothing. */
  turn: Generated<number>;
  /** Attempts that ended by the user's own failure. */
  user_failures: Generated<number>;
  /** Lost attempts since the last that ended by itself. */
  lost_in_a_row: Generated<number>;
  /** Of a re-run that answers from the record of others: the first of them. Null: it has a record of its own. */
  root_id: string | null;
  /** Which execution it runs again. */
  rerun_of: Generated<string | null>;
  /** Of a re-run; others have their event's or their direct run's. */
  workflow_id: Generated<string | null>;
  /** While no worker has taken it up and no event speaks for it: when the relay should look at it. */
  relay_at: Generated<Date | null>;
  /** When a delayed one runs; null without a delay. */
  runs_at: Generated<Date | null>;
  /** Types of later events that cancel it before it begins; null where none does. */
  cancel_on: Generated<string[] | null>;
  /** Since then it is a shell: its status and its times. */
  erased_at: Generated<Date | null>;
  queued_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  /** When output and calls were removed. */
  record_removed_at: Generated<Date | null>;
  queue_ms: Generated<number>;
  run_ms: Generated<number>;
}

/** What an execution that no event started has in place of its event, handler and version. */
export interface DirectRunsTable {
  execution_id: string;
  organization_id: string;
  workflow_id: string;
  handler_name: string;
  /** What the handler is told as the id of its event. */
  event_id: string;
  event_type: string;
  actor: string | null;
  occurred_at: Date;
  /** JSON, as in conversation_events. */
  context: string;
  /** The newest message it sees; 0 without a conversation. */
  message_seq: number;
  /** JSON, as in handler_versions. */
  files: string;
  /** JSON of HandlerSettings. */
  settings: string;
}

/** What a test run would have written, for its own later reads; of its conversation nothing changes. */
export interface TestRunWritesTable {
  organization_id: string;
  execution_id: string;
  what: 'metadata' | 'tag';
  /** Key of the metadata, name of the tag. */
  key: string;
  /** Of metadata the value, null where it was deleted; of a tag its id. */
  value: string | null;
}

export interface AttemptsTable {
  organization_id: string;
  execution_id: string;
  attempt: number;
  outcome: Generated<AttemptOutcome>;
  reason: FailureReason | null;
  error: string | null;
  queued_at: Date;
  started_at: Date;
  finished_at: Date | null;
  run_ms: number | null;
  /** Identity of the worker that ran it. */
  worker: string;
}

export interface CallsTable {
  id: string;
  organization_id: string;
  execution_id: string;
  name: string;
  n: number;
  try: number;
  effect: CallEffect;
  state: Generated<CallState>;
  /** JSON, as the handler gave it; where secrets are around: masked, as people read it. */
  args: string;
  answer: string | null;
  /** Then these are what it really was, for a retry. */
  sealed_args: Generated<string | null>;
  sealed_answer: Generated<string | null>;
  error_code: string | null;
  error_message: string | null;
  attempt: number;
  last_attempt: number;
  drift: string | null;
  requested_at: Date;
  answered_at: Date | null;
}

/** Calls of other executions whose record answered a re-run. */
export interface ReplayedCallsTable {
  organization_id: string;
  execution_id: string;
  call_id: string;
  /** The last attempt of the re-run that reached it. */
  last_attempt: number;
  /** JSON: the arguments of the re-run where they differed. */
  drift: string | null;
}

/** The head of a stream comes in chunks, seq 0, 1, …; the tail is one row, overwritten, with seq -1. */
export interface LogChunksTable {
  organization_id: string;
  execution_id: string;
  attempt: number;
  stream: 'stdout' | 'stderr';
  seq: number;
  text: string;
  /** Of a tail: bytes of the stream that stand in neither head nor tail. */
  missing_bytes: Generated<number>;
}

export interface AnalyticsEventsTable {
  id: string;
  organization_id: string;
  execution_id: string;
  attempt: number;
  /** Order among the attempt's events, from 0. */
  ordinal: number;
  state: StoredEventState;
  /** Why it was rejected. */
  reason: string | null;
  /** JSON object, as the handler registered it. */
  registered: string;
  /** JSON of AnalyticsPayload, of an accepted one. */
  payload: string | null;
  /** What the payload's date says. */
  moment: Date | null;
  registered_at: Date;
}

/** One row for each accepted event and sink. */
export interface AnalyticsDeliveriesTable {
  event_id: string;
  sink: string;
  organization_id: string;
  execution_id: string;
  state: Generated<DeliveryState>;
  tries: Generated<number>;
  /** Of the last try that failed. */
  error: string | null;
  created_at: Date;
  /** When the redelivery should look at it next. */
  due_at: Date;
  /** Until then it belongs to the worker that took it up. */
  claimed_until: Date | null;
  delivered_at: Date | null;
}
