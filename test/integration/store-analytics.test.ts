import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AnalyticsPayload } from '../../src/contract/analytics.ts';
import {
  buryOrphans,
  claimDue,
  claimOfExecution,
  countPending,
  recordDeliveries,
  type DeliveryOutcome,
} from '../../src/store/analytics-deliveries.ts';
import { limits } from '../../src/domain/limits.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import type { Database } from '../../src/store/database.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { finishAttempt, type AttemptEnd } from '../../src/store/execution-ledger/finish-attempt.ts';
import type { NewAnalyticsEvent } from '../../src/store/execution-ledger/register-events.ts';
import { getExecution } from '../../src/store/executions.ts';
import * as sinksMigration from '../../src/store/migrations/0011-sinks.ts';
import { sinkLag } from '../../src/store/sink-lag.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import {
  aHandler,
  closed,
  engines,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

const succeeded = {
  outcome: 'succeeded',
  reason: null,
  error: null,
  resultJson: '1',
  runMs: 1,
  final: 'succeeded',
  reached: [],
} as const satisfies AttemptEnd;
const again = { againInMs: 0, deadAfterMs: 60_000 };
const longMs = 60_000;

function payloadOf(key: string): AnalyticsPayload {
  const fixed = { event_name: 'weni_nexus_data', date: '2026-01-05', project: 'p', contact_urn: 'u' };
  return { ...fixed, key, value_type: 'string', value: { quote: '"\\u0000' }, metadata: {} };
}

function accepted(key: string): NewAnalyticsEvent {
  const moment = '2026-01-05T00:00:00.123456Z';
  return { state: 'accepted', reason: null, registered: { key }, payload: payloadOf(key), moment };
}

describe.each(engines)('analytics events on %s', (engine) => {
  let underTest: StoreUnderTest;
  let db: Database;
  let org: string;
  /** Sinks of the test's own: what is due is claimed for all organisations at once. */
  let sinks: [string, string];
  let tests = 0;

  beforeAll(async () => {
    underTest = await openStoreUnderTest(engine);
    db = underTest.store.db;
  });
  afterAll(() => underTest.dispose());
  beforeEach(async () => {
    org = await newOrganization(db);
    tests += 1;
    sinks = [`first-${String(tests)}`, `second-${String(tests)}`];
  });

  async function anExecution(): Promise<string> {
    await pushHandler(db, org, aHandler('h'));
    const [execution] = (await acceptEvent(db, org, closed())).executions;
    if (execution === undefined) throw new Error('nothing was pinned');
    return execution.executionId;
  }

  async function begin(executionId: string, attempt = 1) {
    const at = new Date();
    const ref = { organizationId: org, executionId, attempt };
    await beginAttempt(db, { ...ref, turn: ref.attempt, claimFor: 'run', queuedAt: at, startedAt: at, worker: 'w' });
    return ref;
  }

  async function executionWith(events: readonly NewAnalyticsEvent[], redeliverFrom = new Date(0)): Promise<string> {
    const executionId = await anExecution();
    await finishAttempt(
      db,
      await begin(executionId),
      { ...succeeded, analytics: { events, sinks, redeliverFrom } },
      [],
    );
    return executionId;
  }

  const eventsOf = async (id: string) => (await getExecution(db, org, id)).analyticsEvents;
  const statesOf = async (id: string) => (await eventsOf(id)).map(({ state }) => state);
  const claim = (executionId: string, sink = sinks[0], claimMs = longMs) =>
    claimOfExecution(db, { organizationId: org, executionId }, sink, claimMs);
  const ended = (ids: readonly { id: string }[], outcome: 'delivered' | 'untried'): DeliveryOutcome[] =>
    ids.map(({ id }) => ({ id, outcome }));

  test('are written with the end of their attempt, in order, with one delivery for each accepted one and sink', async () => {
    const registered = { key: 'r', n: 1 };
    const id = await executionWith([
      accepted('a'),
      { state: 'rejected', reason: 'no "key"', registered, payload: null, moment: null },
      { ...accepted('t'), state: 'test' },
      accepted('b'),
    ]);
    const pending = { state: 'pending', tries: 0, error: null, deliveredAt: null };
    const deliveries = sinks.map((sink) => ({ sink, ...pending }));
    expect(await eventsOf(id)).toMatchObject([
      {
        state: 'pending',
        registered: { key: 'a' },
        event: payloadOf('a'),
        date: '2026-01-05T00:00:00.123456Z',
        deliveries,
      },
      { state: 'rejected', reason: 'no "key"', registered, event: null, date: null, deliveries: [] },
      { state: 'test', event: payloadOf('t'), deliveries: [] },
      { state: 'pending', event: payloadOf('b'), deliveries },
    ]);
    expect(await countPending(db, org, id)).toBe(4);
  });

  test('of an attempt that was overtaken are not written', async () => {
    const id = await anExecution();
    const overtaken = await begin(id);
    await begin(id, 2);
    const end = { ...succeeded, analytics: { events: [accepted('a')], sinks, redeliverFrom: new Date(0) } };
    expect(await finishAttempt(db, overtaken, end, [])).toBe(false);
    expect(await eventsOf(id)).toEqual([]);
  });

  test('of every attempt stay apart', async () => {
    const id = await anExecution();
    const undelivered = { ...accepted('a'), state: 'not_delivered', payload: null, moment: null } as const;
    const analytics = (event: NewAnalyticsEvent) => ({ events: [event], sinks, redeliverFrom: new Date(0) });
    const failed = { ...succeeded, outcome: 'failed', final: null, resultJson: null } as const;
    await finishAttempt(db, await begin(id), { ...failed, analytics: analytics(undelivered) }, []);
    await finishAttempt(db, await begin(id, 2), { ...succeeded, analytics: analytics(accepted('b')) }, []);
    expect(await eventsOf(id)).toMatchObject([
      { attempt: 1, state: 'not_delivered', deliveries: [] },
      { attempt: 2, state: 'pending' },
    ]);
  });

  test('are claimed by one worker at a time, each sink by itself, and once delivered by nobody', async () => {
    const id = await executionWith([accepted('a'), accepted('b')]);
    const claims = await Promise.all(Array.from({ length: 4 }, () => claim(id)));
    expect(claims.map(({ length }) => length).sort()).toEqual([0, 0, 0, 2]);
    const mine = claims.flat();
    expect(mine.map(({ payload }) => payload.key)).toEqual(['a', 'b']);
    expect(mine[0]).toMatchObject({ organizationId: org, executionId: id, moment: '2026-01-05T00:00:00.123456Z' });
    await recordDeliveries(db, sinks[0], ended(mine, 'delivered'), again);
    expect(await claim(id)).toEqual([]);
    expect(await claimDue(db, sinks[0], longMs, 10)).toEqual([]);
    expect(await statesOf(id)).toEqual(['pending', 'pending']);
    await recordDeliveries(db, sinks[1], ended(await claim(id, sinks[1]), 'delivered'), again);
    expect(await statesOf(id)).toEqual(['delivered', 'delivered']);
    expect(await countPending(db, org, id)).toBe(0);
  });

  test('whose worker died are free again when its claim runs out', async () => {
    const id = await executionWith([accepted('a')]);
    expect(await claim(id, sinks[0], longMs)).toHaveLength(1);
    expect(await claim(id)).toEqual([]);
    await db
      .updateTable('analytics_deliveries')
      .set({ claimed_until: new Date(Date.now() - 1) })
      .execute();
    expect(await claim(id)).toHaveLength(1);
  });

  test('delivered once stay so, whatever a worker that was overtaken says later', async () => {
    const id = await executionWith([accepted('a')]);
    const mine = await claim(id);
    await recordDeliveries(db, sinks[0], ended(mine, 'delivered'), again);
    await recordDeliveries(
      db,
      sinks[0],
      mine.map((event) => ({ id: event.id, outcome: 'failed', error: 'late' })),
      again,
    );
    expect((await eventsOf(id))[0]?.deliveries[0]).toMatchObject({ state: 'delivered', error: null, tries: 1 });
  });

  test('are due when the redelivery takes over, the longest due first, as many as asked for', async () => {
    await executionWith([accepted('later')], new Date(Date.now() - 1_000));
    await executionWith([accepted('first')], new Date(Date.now() - 2_000));
    await executionWith([accepted('not yet')], new Date(Date.now() + 60_000));
    const keys = async (limit: number) =>
      (await claimDue(db, sinks[0], longMs, limit)).map(({ payload }) => payload.key);
    expect(await keys(1)).toEqual(['first']);
    expect(await keys(5)).toEqual(['later']);
    expect(await keys(5)).toEqual([]);
  });

  test('that failed wait for their next time, those not tried are not counted, refused ones are dead', async () => {
    const id = await executionWith([accepted('failed'), accepted('untried'), accepted('refused')]);
    const [failed, untried, refused] = await claim(id);
    if (failed === undefined || untried === undefined || refused === undefined) throw new Error('three were claimed');
    const outcomes = [
      { id: failed.id, outcome: 'failed', error: 'away' },
      { id: untried.id, outcome: 'untried' },
      { id: refused.id, outcome: 'refused', error: 'never' },
    ] as const;
    await recordDeliveries(db, sinks[0], outcomes, { againInMs: 60_000, deadAfterMs: 60_000 });
    expect((await eventsOf(id)).map(({ deliveries }) => deliveries[0])).toMatchObject([
      { state: 'pending', tries: 1, error: 'away' },
      { state: 'pending', tries: 0, error: null },
      { state: 'dead', tries: 1, error: 'never' },
    ]);
    expect(await claimDue(db, sinks[0], longMs, 10)).toEqual([]);
    expect(await claim(id)).toHaveLength(2);
  });

  test('are dead after a try that failed when they are too old, not before', async () => {
    const id = await executionWith([accepted('a')]);
    const fail = async (deadAfterMs: number) => {
      const outcomes = (await claim(id)).map((event) => ({ id: event.id, outcome: 'failed', error: 'away' }) as const);
      await recordDeliveries(db, sinks[0], outcomes, { againInMs: 0, deadAfterMs });
      return (await eventsOf(id))[0]?.deliveries[0];
    };
    expect(await fail(60_000)).toMatchObject({ state: 'pending', tries: 1 });
    expect(await fail(0)).toMatchObject({ state: 'dead', tries: 2, error: 'away' });
    expect(await claim(id)).toEqual([]);
  });

  test('for a sink that is gone are given up when they are too old', async () => {
    const id = await executionWith([accepted('a')]);
    await buryOrphans(db, [sinks[0]], 60_000);
    expect(await countPending(db, org, id)).toBe(2);
    await buryOrphans(db, sinks, 0);
    expect(await countPending(db, org, id)).toBe(2);
    await buryOrphans(db, [sinks[0]], 0);
    expect((await eventsOf(id))[0]?.deliveries).toMatchObject([
      { sink: sinks[0], state: 'pending' },
      { sink: sinks[1], state: 'dead', error: `There is no sink ${sinks[1]} any more.` },
    ]);
  });

  test('are kept with what can be asked for, whatever PostgreSQL cannot hold or index', async () => {
    const long = 'x'.repeat(700);
    const strange = {
      ...payloadOf(long),
      contact_urn: 'nul\0 and half \ud800',
      value_type: 'Bool',
      value: true,
      metadata: { ['k\0']: ['\ud800'] },
    };
    const id = await executionWith([
      { ...accepted('a'), payload: strange },
      { ...accepted('t'), state: 'test' },
    ]);
    const [event] = await eventsOf(id);
    const records = await db.selectFrom('analytics_records').selectAll().where('organization_id', '=', org).execute();
    expect(records).toMatchObject([
      {
        event_id: event?.id,
        key: 'x'.repeat(limits.analyticsFilterCharacters + 1),
        contact_urn: 'nul\ufffd and half \ufffd',
        value_type: 'bool',
        value: 'True',
        metadata: { ['k\ufffd']: ['\ufffd'] },
      },
    ]);
  });

  test('of an older database can be asked for after the migration', async () => {
    await executionWith([accepted('a'), { ...accepted('t'), state: 'test' }, accepted('b')]);
    const recorded = () =>
      db.selectFrom('analytics_records').selectAll().where('organization_id', '=', org).orderBy('event_id').execute();
    const before = await recorded();
    await sql`drop table analytics_records, analytics_sinks; drop index analytics_deliveries_dead`.execute(db);
    await sinksMigration.up(db as unknown as Kysely<unknown>);
    expect(before.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(await recorded()).toEqual(before);
  });

  test('that wait and that were given up are counted by sink', async () => {
    const id = await executionWith([accepted('a'), accepted('b')]);
    const [first, second] = await claim(id);
    if (first === undefined || second === undefined) throw new Error('two were claimed');
    const outcomes = [
      { id: first.id, outcome: 'refused', error: 'never' },
      { id: second.id, outcome: 'delivered' },
    ] as const;
    await recordDeliveries(db, sinks[0], outcomes, again);
    await db
      .updateTable('analytics_deliveries')
      .set({ created_at: new Date(Date.now() - 60_000) })
      .where('organization_id', '=', org)
      .execute();
    const lag = (await sinkLag(db)).filter(({ organizationId }) => organizationId === org);
    expect(lag).toMatchObject([
      { sink: sinks[0], name: sinks[0], pending: 0, oldestPendingSeconds: 0, dead: 1, enabled: true },
      { sink: sinks[1], pending: 2, dead: 0 },
    ]);
    expect(lag[1]?.oldestPendingSeconds).toBeGreaterThanOrEqual(60);
  });

  test('belong to their organisation', async () => {
    const id = await executionWith([accepted('a')]);
    const other = await newOrganization(db);
    expect(await countPending(db, other, id)).toBe(0);
    expect(await claimOfExecution(db, { organizationId: other, executionId: id }, sinks[0], longMs)).toEqual([]);
  });
});
