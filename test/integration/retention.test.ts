import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Removed } from '../../src/contract/workflow.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { ensureRetention } from '../../src/temporal/retention-schedule.ts';
import { closedEvent, organization, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';
import { rerun, writeRerun } from './reruns-of-system.ts';
import { handler, useHandlers } from './spine-system.ts';

const retention = { recordDays: 30, messageDays: 60, analyticsDays: 90, eventDays: 400, auditDays: 400 };

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ retention });
});
afterAll(() => system.stop());

const calling = handler('add_conversation_tag(context, "seen")\nprint("some output")\nreturn "done"');
const registering = handler(
  `register_event({"event_name": "weni_nexus_data", "key": "k", "value_type": "string", "value": "v", "project": "p", "contact_urn": "u"})`,
);

beforeEach(() => useHandlers(system, { calling }));

function applyRetention(): Promise<Removed> {
  const { client } = system.temporal;
  const workflowId = `retention-${randomUUID()}`;
  return client.workflow.execute('applyRetention', { workflowId, taskQueue: system.taskQueue, args: [] });
}

async function runAgedBy(days: number, event: EventInput = closedEvent()) {
  const { calling: execution } = await system.run(event);
  if (execution?.eventId == null || execution.conversationId === null) throw new Error('it did not run');
  const { id, eventId, conversationId } = execution;
  await age(id, days);
  await sql`update conversation_events set received_at = received_at - ${days} * interval '1 day' where id = ${eventId}`.execute(
    system.store.db,
  );
  await sql`update conversations set updated_at = updated_at - ${days} * interval '1 day' where id = ${conversationId}`.execute(
    system.store.db,
  );
  return { id, eventId, conversationId, event };
}

function age(executionId: string, days: number) {
  return sql`update executions set finished_at = finished_at - ${days} * interval '1 day' where id = ${executionId}`.execute(
    system.store.db,
  );
}

async function rowsOf(table: string, column: string, id: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from ${sql.table(table)} where ${sql.ref(column)} = ${id}`.execute(system.store.db);
  return rows[0]?.n ?? 0;
}

describe('output and calls', () => {
  it('are removed on their day, and the execution stays', async () => {
    const old = await runAgedBy(30.01);
    const young = await runAgedBy(29.99);
    expect(await applyRetention()).toMatchObject({ records: 1 });
    for (const table of ['calls', 'log_chunks']) {
      expect(await rowsOf(table, 'execution_id', old.id)).toBe(0);
      expect(await rowsOf(table, 'execution_id', young.id)).toBeGreaterThan(0);
    }
    expect(await system.executionsOf(await workflowOf(old.eventId))).toMatchObject({
      calling: { status: 'succeeded', result: 'done', stdout: '', calls: [], attempts: 1 },
    });
    expect(await applyRetention()).toMatchObject({ records: 0 });
  });

  it('gone, a re-run would repeat effects: only a fresh one is taken', async () => {
    const { id } = await runAgedBy(31);
    await applyRetention();
    await expect(writeRerun(system, id)).rejects.toMatchObject({ code: 'record_removed' });
    expect(await rerun(system, id, { fresh: true })).toMatchObject({ status: 'succeeded' });
  });

  it('stay while an execution that answered from them is younger, and go with it', async () => {
    const { id } = await runAgedBy(31);
    const again = await rerun(system, id);
    expect(again.calls).toMatchObject([{ replayedFrom: id }]);
    expect(await applyRetention()).toMatchObject({ records: 0 });
    await age(again.id, 31);
    expect(await applyRetention()).toMatchObject({ records: 2 });
    expect(await rowsOf('calls', 'execution_id', id)).toBe(0);
    expect(await rowsOf('replayed_calls', 'execution_id', again.id)).toBe(0);
  });
});

it('messages go when nothing has happened in their conversation for so long', async () => {
  const quiet = await runAgedBy(61);
  const lively = await runAgedBy(61);
  const news = { id: randomUUID(), type: 'conversation_closed', conversationId: lively.conversationId } as const;
  await system.client.result((await system.client.publish(news)).workflowId);
  expect(await applyRetention()).toMatchObject({ conversations: 1 });
  const messagesOf = async (id: string) => (await getConversation(system.store.db, organization, id)).messages;
  expect(await messagesOf(quiet.conversationId)).toEqual([]);
  expect(await messagesOf(lively.conversationId)).toHaveLength(2);

  // It goes on later: what its platform sends is taken again.
  await system.run({ ...quiet.event, id: `later-${randomUUID()}` });
  expect(await messagesOf(quiet.conversationId)).toHaveLength(2);
});

it('analytics events go when no sink waits for them any more', async () => {
  await useHandlers(system, { calling: registering });
  const delivered = await runAgedBy(91);
  const waiting = await runAgedBy(91);
  for (const { id } of [delivered, waiting]) {
    await sql`update analytics_events set registered_at = registered_at - interval '91 days' where execution_id = ${id}`.execute(
      system.store.db,
    );
  }
  await sql`update analytics_deliveries set state = 'pending' where execution_id = ${waiting.id}`.execute(
    system.store.db,
  );
  expect(await applyRetention()).toMatchObject({ analyticsEvents: 1 });
  expect(await rowsOf('analytics_events', 'execution_id', delivered.id)).toBe(0);
  expect(await rowsOf('analytics_events', 'execution_id', waiting.id)).toBe(1);
});

it('events are known for their 400 days, and go with their executions after that', async () => {
  const known = await runAgedBy(399.9);
  const gone = await runAgedBy(400.1);
  expect(await applyRetention()).toMatchObject({ events: 1 });
  expect(await rowsOf('conversation_events', 'id', gone.eventId)).toBe(0);
  expect(await rowsOf('executions', 'event_id', gone.eventId)).toBe(0);
  expect(await system.client.publish(known.event)).toMatchObject({ duplicate: true });
  expect(await rowsOf('executions', 'event_id', known.eventId)).toBe(1);
});

it('removes more than it takes at once', async () => {
  await sql`
    insert into audit_entries (id, organization_id, at, who, action, object, summary)
    select gen_random_uuid(), ${organization}, now() - interval '401 days', 'somebody', 'something', 'a thing', '{}'
    from generate_series(1, 450)`.execute(system.store.db);
  expect(await applyRetention()).toMatchObject({ auditEntries: 450 });
});

it('is asked for by a schedule, once a day', async () => {
  const { client } = system.temporal;
  await Promise.all([ensureRetention(client, system.taskQueue), ensureRetention(client, system.taskQueue)]);
  const schedule = client.schedule.getHandle(`retention/${system.taskQueue}`);
  try {
    const { info, action } = await schedule.describe();
    expect(action).toMatchObject({ workflowType: 'applyRetention' });
    const [first, second] = info.nextActionTimes;
    expect((second?.getTime() ?? 0) - (first?.getTime() ?? 0)).toBeGreaterThan(23 * 60 * 60_000);
  } finally {
    await schedule.delete();
  }
});

async function workflowOf(eventId: string): Promise<string> {
  const { workflow_id: workflowId } = await system.store.db
    .selectFrom('conversation_events')
    .select('workflow_id')
    .where('id', '=', eventId)
    .executeTakeFirstOrThrow();
  return workflowId;
}
