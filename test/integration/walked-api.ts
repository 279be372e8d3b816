import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { JsonValue } from '../../src/contract/json.ts';
import type { Database } from '../../src/store/database.ts';
import { generateKeyPairSync } from 'node:crypto';
import { createApiKey } from '../../src/store/api-keys.ts';
import { testKeys } from '../setup/keys.ts';
import { linkTo, type BreakableLink } from './breakable-link.ts';
import { anEvent, conversationId, createApiUnderTest, type ApiUnderTest } from './api-under-test.ts';
import { exampleOf, urlOf, type Known } from './described-requests.ts';
import { describedBy, operationsOf, type Operation } from './openapi-operations.ts';

/** Stands in every row of the organisation `parcels` where a text may stand. */
export const planted = 'planted-of-parcels';

const fault = JSON.stringify({ type: 'ValueError', message: planted, traceback: planted });
const code = `def handle_event(context):\n    return "${planted}"\n`;
const tool = `from weni import Tool\nclass Planted(Tool):\n    pass  # ${planted}\n`;

const webhookSecret = `whsec_${Buffer.alloc(32, 'planted').toString('base64')}`;

export interface Walked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The API with a row of every kind, and whatever its description says can be asked of it. */
export async function createWalkedApi(engine: 'embedded' | 'postgres' = 'postgres') {
  let link: BreakableLink | undefined;
  const api = await createApiUnderTest(engine, async (databaseUrl) => {
    const url = new URL(databaseUrl);
    link = await linkTo({ host: url.hostname, port: Number(url.port) });
    url.port = String(link.port);
    return url.href;
  });
  const connected = api.connect(() => Promise.resolve({ duplicate: false }), {
    keys: testKeys,
    testSink: () => Promise.resolve({ delivered: true, error: null, eventId: 'walked', ms: 1 }),
    // Nobody waits for runs: no worker comes.
    directRunner: {
      start: () => Promise.resolve({ duplicate: false }),
      ended: () => Promise.resolve(),
      stopping: AbortSignal.abort(),
    },
  });
  const known = await seed(api, connected);
  const operations = (await operationsOf(connected)).filter(({ path }) => path.startsWith('/api/'));
  const { components } = await describedBy(connected);

  /** One that the description allows; `as` is a key. */
  async function walk(operation: Operation, as: string, headers: Record<string, string> = {}): Promise<Walked> {
    const [type, media] = Object.entries(operation.bodies)[0] ?? [];
    const body = media && (bodies(known)[operation.operationId] ?? exampleOf(media.schema, components.schemas, known));
    const url = urlOf(operation, components.schemas, known);
    const stop = new AbortController();
    const answer = await connected.app.request(url, {
      method: operation.method.toUpperCase(),
      headers: { authorization: `Bearer ${as}`, ...(type === undefined ? {} : { 'content-type': type }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: stop.signal,
    });
    return { status: answer.status, headers: answer.headers, text: await textOf(answer, stop) };
  }

  return {
    ...api,
    ...connected,
    known,
    operations,
    schemas: components.schemas,
    walk,
    /** To the database; undefined: it is embedded. */
    link,
    close: async () => {
      await api.close();
      await link?.break();
    },
  };
}

export type WalkedApi = Awaited<ReturnType<typeof createWalkedApi>>;

const streamMs = 300;

/** Of a stream that goes on, what came first. */
export async function textOf(answer: Response, stop: AbortController): Promise<string> {
  if (answer.headers.get('content-type')?.includes('event-stream') !== true) return await answer.text();
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const late = sleep(streamMs, { done: true, value: undefined } as const);
  let text = '';
  for (;;) {
    const read = await Promise.race([reader?.read(), late]);
    if (read === undefined || read.done) break;
    text += read.value;
  }
  stop.abort();
  await reader?.cancel().catch(() => undefined);
  return text;
}

/** Where the schema alone does not make a request that can be answered. */
function bodies(known: Known): Record<string, JsonValue> {
  const { privateKey } = { privateKey: String(known.private_key) };
  const message = { sender: 'bot', timestamp: '2026-01-31T12:10:00Z', content: 'x', channel: 'email' };
  return {
    postConversationEvents: { type: 'conversation_closed', id: 'walked', conversationId },
    postConversationEventsBatch: [{ type: 'conversation_closed', id: 'walked-too', conversationId }],
    putConversationsById: {
      id: conversationId,
      publicId: 'C-1',
      subject: 'x',
      businessSlug: 'x',
      messages: [message],
    },
    postConversationsByIdMessages: [message],
    postHandlersByNameRollback: { version: 1 },
    postTestRuns: { conversation: conversationId, handler: 'planted', waitSeconds: 0 },
    postTestRunsStream: { conversation: conversationId, handler: 'planted' },
    postToolsByNameInvocations: { parameters: {}, waitSeconds: 0 },
    putCredentialsGoogle: { type: 'service_account', client_email: 'a@example.com', private_key: privateKey },
    postOrganizations: { id: `walked-${crypto.randomUUID().slice(0, 8)}`, name: 'Walked' },
    postApiKeys: { name: 'walked', scopes: ['read'] },
    postExecutionsRerun: { filter: { handler: 'planted' } },
    postSinks: { kind: 'webhook', name: 'walked', url: 'https://example.com/', secrets: [webhookSecret] },
    patchSinksById: { name: 'changed' },
    postAnalyticsDeadLettersResend: { all: true },
    putEgress: { allow: ['api.example.com'] },
  };
}

async function seed(api: ApiUnderTest, http: Pick<ApiUnderTest, 'send' | 'get'>): Promise<Known> {
  const { db } = api.store;
  const { get } = http;
  async function send(...request: Parameters<typeof http.send>) {
    const answer = await http.send(...request);
    if (answer.status >= 300) throw new Error(`${request[0]} ${request[1]}: ${JSON.stringify(answer.body)}`);
    return answer;
  }
  await send('PUT', '/api/v1/handlers/planted', { eventType: 'conversation_closed', code, note: planted });
  await send('PUT', '/api/v1/handlers/planted/draft', { code });
  const toolPushed = { eventType: 'conversation_handed_off', code: tool, settings: { tool: 'Planted' } };
  await send('PUT', '/api/v1/handlers/planted-tool?validate=false', toolPushed);
  const message = { sender: 'bot', timestamp: '2026-01-31T12:00:00Z', content: planted, channel: 'email' };
  const conversation = { ...(anEvent().conversation as object), subject: planted, messages: [message] };
  const published = await send('POST', '/api/v1/conversation-events', anEvent({ id: planted, conversation }));
  const event = published.body as { id: string };
  await send('PUT', '/api/v1/secrets/PLANTED', { value: `${planted}-secret` });
  await send('PUT', '/api/v1/credentials/llm', { apiKey: `${planted}-llm`, model: planted });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const account = { type: 'service_account', client_email: `${planted}@example.com`, private_key: pem };
  await send('PUT', '/api/v1/credentials/google', account);
  await send('PUT', '/api/v1/egress', { deny: [`${planted}.example.com`] });
  const sink = { kind: 'webhook', name: planted, url: `https://${planted}.example.com/`, secrets: [webhookSecret] };
  const { id: sinkId } = (await send('POST', '/api/v1/sinks', sink)).body as { id: string };
  const { id: keyId } = await createApiKey(db, 'parcels', planted, { scopes: ['read'] });

  const executions = await get(`/api/v1/conversation-events/${event.id}/executions`);
  const [execution] = (executions.body as { items: { id: string }[] }).items;
  const executionId = execution?.id ?? '';
  const ended = { status: 'failed', reason: 'raised', error: fault, finished_at: new Date() } as const;
  await db.updateTable('executions').set(ended).where('id', '=', executionId).execute();
  await seedWhatHandlersDo(db, executionId);
  await seedAnalytics(db, executionId, sinkId);
  return {
    'conversation-events.id': event.id,
    'conversations.id': conversationId,
    'conversations.tag': planted,
    'conversations.key': planted,
    'executions.id': executionId,
    'handlers.name': 'planted',
    'tools.name': 'planted-tool',
    'secrets.name': 'PLANTED',
    'api-keys.id': keyId,
    'organizations.id': 'parcels',
    'sinks.id': sinkId,
    date_start: '2020-01-01',
    date_end: '2030-01-01',
    'handlers.version': 1,
    'datalake.metric': 'events',
    // Of the walk, which others make handlers with: nothing is planted in it.
    code: 'def handle_event(context):\n    return 1\n',
    private_key: pem,
    value: 'a-value-of-the-walk',
    conversation: conversationId,
    handler: 'planted',
    version: 'same',
    eventType: 'conversation_closed',
    apiKey: 'sk-of-the-walk',
  };
}

/** What comes to be while handlers run. */
async function seedWhatHandlersDo(db: Database, executionId: string): Promise<void> {
  const [organization_id, now] = ['parcels', new Date()];
  const ids = { organization_id, execution_id: executionId };
  const attempt = { attempt: 1, queued_at: now, started_at: now, finished_at: now, run_ms: 1, worker: planted };
  await db
    .insertInto('attempts')
    .values({ ...ids, ...attempt, outcome: 'failed', reason: 'raised', error: fault })
    .execute();
  const chunk = { attempt: 1, stream: 'stdout' as const, seq: 0, text: planted };
  await db
    .insertInto('log_chunks')
    .values({ ...ids, ...chunk })
    .execute();
  const call = {
    id: uuidv7(),
    name: 'add_conversation_tag',
    n: 1,
    try: 1,
    effect: 'write',
    state: 'succeeded',
  } as const;
  const args = { args: JSON.stringify({ tag: planted }), answer: JSON.stringify(planted), drift: null };
  const times = { attempt: 1, last_attempt: 1, requested_at: now, answered_at: now };
  await db
    .insertInto('calls')
    .values({ ...ids, ...call, ...args, ...times, error_code: null, error_message: null })
    .execute();
  const tag = { id: uuidv7(), organization_id, name: planted };
  await db.insertInto('tags').values(tag).execute();
  const ofConversation = { organization_id, conversation_id: conversationId };
  await db
    .insertInto('conversation_tags')
    .values({ ...ofConversation, tag_id: tag.id })
    .execute();
  await db
    .insertInto('conversation_metadata')
    .values({ ...ofConversation, key: planted, value: planted })
    .execute();
  const said = { session_id: planted, source: planted, source_id: planted, category: planted, type: planted };
  const more = { user_id: planted, description: planted, attributes: JSON.stringify({ planted }) };
  await db
    .insertInto('timeline_events')
    .values({ id: uuidv7(), timestamp: now, ...ofConversation, ...said, ...more })
    .execute();
}

/** An event that a sink never took. */
async function seedAnalytics(db: Database, executionId: string, sink: string): Promise<void> {
  const [id, now, ids] = [uuidv7(), new Date(), { organization_id: 'parcels', execution_id: executionId }];
  const of = { project: planted, contact_urn: planted, key: planted, value_type: 'string', value: planted };
  const payload = { ...of, event_name: 'weni_nexus_data', date: now.toISOString(), metadata: { planted } };
  const told = { registered: JSON.stringify(payload), payload: JSON.stringify(payload) };
  const event = { id, ...ids, attempt: 1, ordinal: 0, state: 'accepted', reason: null } as const;
  await db
    .insertInto('analytics_events')
    .values({ ...event, ...told, moment: now, registered_at: now })
    .execute();
  const record = { event_id: id, organization_id: ids.organization_id, moment: now, ...of };
  await db
    .insertInto('analytics_records')
    .values({ ...record, metadata: JSON.stringify({ planted }) })
    .execute();
  const delivery = { event_id: id, ...ids, sink, state: 'dead', tries: 3, error: planted, created_at: now } as const;
  await db
    .insertInto('analytics_deliveries')
    .values({ ...delivery, due_at: now, claimed_until: null, delivered_at: null })
    .execute();
}

/** All rows of an organisation in all tables, but for when its keys were used. */
export async function rowsOf(db: Database, organizationId: string): Promise<Record<string, unknown[]>> {
  const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'organization_id' order by 1`.execute(db);
  const rows: Record<string, unknown[]> = {};
  for (const { name } of tables.rows) {
    const found = await sql<{ row: Record<string, unknown> }>`
      select to_jsonb(t) - 'last_used_at' as row from ${sql.table(name)} t
      where organization_id = ${organizationId} order by (to_jsonb(t) - 'last_used_at')::text`.execute(db);
    rows[name] = found.rows.map(({ row }) => row);
  }
  return rows;
}
