import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PublishedEvent } from '../../src/contract/conversation-event.ts';
import { ErasedConversation } from '../../src/contract/conversation-parts.ts';
import { settleExecution } from '../../src/store/execution-ledger/finish-attempt.ts';
import { writeLogs } from '../../src/store/execution-ledger/write-logs.ts';
import { aConversation, anEvent, conversationId, createApiUnderTest, expectProblem } from './api-under-test.ts';
import type { ApiUnderTest } from './api-under-test.ts';

/** Stands in everything that is known of one person. */
const planted = 'Zaphod-4711';
const events = '/api/v1/conversation-events';
const path = `/api/v1/conversations/${conversationId}`;
const code = 'def handle_event(context):\n    return 1\n';
const event = anEvent({ conversation: aConversationOfZaphod() });

function aConversationOfZaphod() {
  const message = { sender: 'customer', timestamp: '2026-01-31T11:59:00Z', content: planted, channel: 'email' };
  const person = { name: planted };
  return aConversation({
    subject: planted,
    publicId: planted,
    customer: person,
    browserSession: person,
    messages: [message],
  });
}

let api: ApiUnderTest;
let eventId: string;
let executions: string[];
beforeAll(async () => {
  api = await createApiUnderTest();
  for (const name of ['a', 'b']) {
    await api.send('PUT', `/api/v1/handlers/${name}`, { eventType: 'conversation_closed', code });
  }
  eventId = PublishedEvent.parse((await api.send('POST', events, event)).body).id;
  const listed = (await api.get(`${events}/${eventId}/executions`)).body as { items: { id: string }[] };
  executions = listed.items.map(({ id }) => id);
  await plant();
});
afterAll(() => api.close());

/** What handlers, test runs and people would have left behind. */
async function plant(): Promise<void> {
  await api.send('PUT', `${path}/tags/${planted}`, undefined);
  await api.send('PUT', `${path}/tags/vip`, undefined);
  await api.send('PUT', `${path}/metadata/name`, { value: planted });
  const note = { timestamp: '2026-01-31T12:00:00Z', description: planted };
  await api.send(
    'POST',
    '/api/v1/events/',
    [conversationId, planted].map((id) => ({ ...note, conversation_id: id })),
  );
  const other = aConversation({ id: randomUUID(), publicId: 'C-other' });
  await api.send('PUT', `/api/v1/conversations/${String(other.id)}`, other);
  await api.send('PUT', '/api/v1/conversations/C-other/tags/vip', undefined);

  const { db } = api.store;
  const organizationId = 'parcels';
  const [one = '', two = ''] = executions;
  const test_ = randomUUID();
  const call = randomUUID();
  const reported = randomUUID();
  await sql`
    insert into executions (id, organization_id, kind, conversation_id, event_type, ordinal, queued_at)
    values (${test_}, ${organizationId}, 'test', ${conversationId}, 'conversation_closed', 0, now())`.execute(db);
  await sql`
    insert into direct_runs values (${test_}, ${organizationId}, 'w', 'h', 'e', 'conversation_closed', ${planted}, now(),
      ${`{"customer":"${planted}"}`}, 1, ${`{"main.py":"# ${planted}"}`}, ${`{"globals":{"a":"${planted}"}}`})`.execute(
    db,
  );
  await sql`
    insert into test_run_writes values (${organizationId}, ${test_}, 'metadata', 'k', ${planted})`.execute(db);
  await sql`
    insert into attempts (organization_id, execution_id, attempt, error, queued_at, started_at, worker)
    values (${organizationId}, ${one}, 1, ${planted}, now(), now(), 'w')`.execute(db);
  await sql`
    insert into calls (id, organization_id, execution_id, name, n, try, effect, args, answer, error_message, attempt,
      last_attempt, requested_at)
    values (${call}, ${organizationId}, ${one}, 'x', 1, 1, 'write', ${planted}, ${planted}, ${planted}, 1, 1, now())`.execute(
    db,
  );
  await sql`insert into replayed_calls values (${organizationId}, ${two}, ${call}, 1, ${planted})`.execute(db);
  await writeLogs(db, { organizationId, executionId: one, attempt: 1 }, [
    { stream: 'stdout', seq: 0, text: planted, missingBytes: 0 },
  ]);
  await sql`
    insert into analytics_events values (${reported}, ${organizationId}, ${one}, 1, 0, 'accepted', null, ${planted},
      ${planted}, now(), now())`.execute(db);
  await sql`
    insert into analytics_deliveries (event_id, sink, organization_id, execution_id, error, created_at, due_at)
    values (${reported}, 'store', ${organizationId}, ${one}, ${planted}, now(), now())`.execute(db);
  await db
    .insertInto('analytics_records')
    .values({
      event_id: reported,
      organization_id: organizationId,
      moment: new Date(),
      project: 'p',
      contact_urn: planted,
      key: 'k',
      value_type: 'string',
      value: planted,
      metadata: JSON.stringify({ name: planted }),
    })
    .execute();
  await sql`
    insert into idempotency_keys (organization_id, key, request_hash, claim, status, body)
    values (${organizationId}, 'k', 'h', ${randomUUID()}, 200, ${JSON.stringify({ conversationId, result: planted })})`.execute(
    db,
  );
  await sql`update executions set result = ${planted}, error = ${planted}, error_text = ${planted}`.execute(db);
}

/** Tables in which the text stands, whatever their columns are. */
async function tablesWithIt(): Promise<string[]> {
  const { db } = api.store;
  const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`.execute(db);
  const found: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await sql`
      select 1 from ${sql.table(name)} as one where one::text ilike ${`%${planted}%`} limit 1`.execute(db);
    if (rows.length > 0) found.push(name);
  }
  return found;
}

test('what still runs has to end before a conversation is erased, and nothing is erased by then', async () => {
  const everywhere = await tablesWithIt();
  expect(everywhere).toEqual([
    'analytics_deliveries',
    'analytics_events',
    'analytics_records',
    'attempts',
    'audit_entries',
    'calls',
    'conversation_events',
    'conversation_metadata',
    'conversations',
    'direct_runs',
    'executions',
    'idempotency_keys',
    'log_chunks',
    'messages',
    'replayed_calls',
    'tags',
    'test_run_writes',
    'timeline_events',
  ]);
  const problem = expectProblem(await api.request('DELETE', path), 409, 'conversation_in_use');
  expect(problem.detail).toMatch(/Execution [0-9a-f-]{36} of/);
  expect(await tablesWithIt()).toEqual(everywhere);
});

test('nothing of an erased conversation is left in any table, and the answer says how much it was', async () => {
  const { rows } = await sql<{ id: string }>`select id from executions where finished_at is null`.execute(api.store.db);
  for (const { id } of rows) {
    await settleExecution(api.store.db, {
      organizationId: 'parcels',
      executionId: id,
      status: 'failed',
      reason: null,
      error: null,
      claimFor: null,
    });
  }
  const answer = await api.request('DELETE', path);
  expect(answer.status).toBe(200);
  expect(ErasedConversation.parse(answer.body)).toEqual({
    id: conversationId,
    erased: {
      messages: 1,
      metadata: 1,
      tags: 2,
      timelineEvents: 2,
      events: 1,
      executions: 3,
      calls: 1,
      replayedCalls: 1,
      logs: 1,
      directRuns: 1,
      testRunWrites: 1,
      analyticsEvents: 1,
      analyticsDeliveries: 1,
      keptAnswers: 1,
    },
  });
  // Who tagged it, by what name: the audit log is kept as long as it is kept.
  expect((await tablesWithIt()).filter((table) => table !== 'audit_entries')).toEqual([]);
  expect((await api.get('/api/v1/conversations/C-other')).body).toMatchObject({ tags: ['vip'] });
  expectProblem(await api.get(path), 404, 'conversation_not_found');
  expectProblem(await api.request('DELETE', path), 404, 'conversation_not_found');
  const { items } = (await api.get('/api/v1/conversations')).body as { items: { publicId: string }[] };
  expect(items.map(({ publicId }) => publicId)).toEqual(['C-other']);
});

test('its executions are shells with their status and times, which do not run again', async () => {
  for (const id of executions) {
    const { body } = await api.get(`/api/v1/executions/${id}`);
    expect(body).toMatchObject({ id, status: 'failed', result: null, error: null, calls: [], stdout: '' });
    for (const fresh of [true, false]) {
      expectProblem(await api.send('POST', `/api/v1/executions/${id}/rerun`, { fresh }), 409, 'not_rerunnable');
    }
  }
  expectProblem(await api.send('POST', `${events}/${eventId}/rerun`, {}), 409, 'not_rerunnable');
});

test('a worker that was thought lost writes no output any more', async () => {
  const ref = { organizationId: 'parcels', executionId: executions[0] ?? '', attempt: 1 };
  await writeLogs(api.store.db, ref, [{ stream: 'stdout', seq: 1, text: planted, missingBytes: 0 }]);
  expect(await tablesWithIt()).not.toContain('log_chunks');
});

test('a late repeat of its event is a duplicate that stores and runs nothing, whatever it names the conversation by', async () => {
  const starts = api.started.length;
  const { conversation: _conversation, ...named } = event;
  for (const again of [event, { ...named, conversationId }, { ...named, conversationId: planted }]) {
    expect(await api.send('POST', events, again)).toMatchObject({
      status: 202,
      body: { id: eventId, duplicate: true },
    });
  }
  expect(api.started).toHaveLength(starts);
  expect((await tablesWithIt()).filter((table) => table !== 'audit_entries')).toEqual([]);
});

test('a new event that only names it is refused; one that brings it along begins it anew', async () => {
  const unknown = { id: 'later', type: 'conversation_closed', conversationId };
  expectProblem(await api.send('POST', events, unknown), 404, 'conversation_not_found');
  const conversation = aConversation({ publicId: 'C-new', customer: null });
  expect((await api.send('POST', events, anEvent({ id: 'later', conversation }))).status).toBe(202);
  expect((await api.get(path)).body).toMatchObject({
    publicId: 'C-new',
    business: { name: 'parcels', slug: 'parcels' },
    tags: [],
    metadata: {},
    timeline: [],
    messages: [{ content: 'Where is it?' }],
  });
});

test('an organisation erases nothing of another', async () => {
  expectProblem(await api.request('DELETE', path, { key: api.rivalKey }), 404, 'conversation_not_found');
  expect((await api.get(path)).status).toBe(200);
});
