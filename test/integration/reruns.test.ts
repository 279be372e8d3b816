import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { storeSink } from '../../src/analytics/sinks/store-sink.ts';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { createLog } from '../../src/observability/log.ts';
import { createRelay } from '../../src/relay/relay.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { startDirectRun } from '../../src/temporal/start-direct-run.ts';
import { startHttpSink, type HttpSink } from '../setup/http-sink.ts';
import { organization, startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { workOf } from './fixtures/kill-worker/effects.ts';
import { startOutsideServices, type OutsideServices } from './outside-services.ts';
import { endOfRerun, rerun, writeRerun } from './reruns-of-system.ts';
import { eventually, handler, useHandlers } from './spine-system.ts';

let system: TestSystem;
let upstream: Upstream;
let sink: HttpSink;
let outside: OutsideServices;
/** How the upstream answers the next requests; 200 when there is none left. */
const statuses: number[] = [];

beforeAll(async () => {
  upstream = await startUpstream((_request, response) => {
    response.writeHead(statuses.shift() ?? 200);
    response.end(`answer ${String(upstream.received.length)}`);
  });
  sink = await startHttpSink('http');
  outside = await startOutsideServices();
  system = await startSystem({ sinks: [storeSink, sink], services: outside.services, outsideMs: 3_000 });
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await sink.close();
  await outside.close();
});
beforeEach(() => {
  upstream.forget();
  statuses.length = 0;
});

/** The only handler from here. */
async function push(body: string): Promise<void> {
  const code = handler(body.replaceAll('URL', JSON.stringify(upstream.url)));
  await useHandlers(system, { again: { code: `import random, requests\n${code}`, attempts: 1 } });
}

async function run(body: string): Promise<ExecutionDetail> {
  await push(body);
  const { again } = await system.run();
  if (again === undefined) throw new Error('nothing ran');
  return again;
}

const keys = () => upstream.received.map(({ headers }) => headers['idempotency-key']);

const three = `
answers = [add_conversation_event(context, "one")["eventId"]]
answers.append(requests.post(URL + "/two", data="2").text)
answers.append(add_conversation_tag(context, "three")["tagId"])
`;
const two = `
answers.append(requests.post(URL + "/four", data="4").text)
answers.append(add_conversation_event(context, "five")["eventId"])
return answers`;

async function timelineOf({ conversationId }: ExecutionDetail) {
  const { timeline } = await getConversation(system.store.db, organization, conversationId ?? '');
  return timeline.map(({ description }) => description);
}

describe('a handler that failed after three of its five calls', () => {
  it('does, mended and run again, exactly the other two; fresh it does all', async () => {
    const failed = await run(`${three}raise ValueError("no")`);
    expect(failed).toMatchObject({ status: 'failed', rerunOf: null });
    expect(failed.calls).toHaveLength(3);
    const [firstKey] = keys();
    await push(three + two);

    const mended = await rerun(system, failed.id, { version: 'newest' });
    expect(mended).toMatchObject({ status: 'succeeded', rerunOf: failed.id, attempts: 1 });
    expect(mended.handlerVersion).toBe((failed.handlerVersion ?? 0) + 1);
    expect(mended.result).toEqual([
      failed.calls[0]?.id,
      'answer 1',
      expect.any(String),
      'answer 2',
      expect.any(String),
    ]);
    expect(upstream.received.map(({ path }) => path)).toEqual(['/two', '/four']);
    expect(await timelineOf(mended)).toEqual(['one', 'five']);
    expect(mended.calls.map(({ name, replayedFrom }) => [name.replace(upstream.url, ''), replayedFrom])).toEqual([
      ['add_conversation_event', failed.id],
      ['POST /two', failed.id],
      ['add_conversation_tag', failed.id],
      ['POST /four', null],
      ['add_conversation_event', null],
    ]);
    expect(await workOf(system, mended.workflowId)).toEqual({ updates: 1, scheduled: ['add_conversation_event'] });

    const fresh = await rerun(system, failed.id, { version: 'newest', fresh: true });
    expect(fresh.status).toBe('succeeded');
    expect(fresh.calls.map(({ replayedFrom }) => replayedFrom)).toEqual([null, null, null, null, null]);
    expect(await timelineOf(fresh)).toEqual(['one', 'five', 'one', 'five']);
    expect(upstream.received.map(({ path }) => path)).toEqual(['/two', '/four', '/two', '/four']);
    expect(new Set(keys()).size).toBe(4);
    expect(keys()[0]).toBe(firstKey);
  });

  it('does so in TypeScript too, where calls are made at once', async () => {
    const code = (end: string) => `
export async function handleEvent(context, helpers) {
  const [one, two] = await Promise.all([
    helpers.addConversationEvent('one'),
    fetch(${JSON.stringify(upstream.url)}, { method: 'POST', body: '2' }),
  ]);
  ${end}
}`;
    const pushed = (end: string) =>
      system.push('typed', code(end), { language: 'typescript', settings: { attempts: 1 } });
    await useHandlers(system, {});
    await pushed("throw new Error('no');");
    const { typed } = await system.run();
    expect(typed).toMatchObject({ status: 'failed', reason: 'raised' });
    await pushed("return [one.eventId, await two.text(), (await helpers.addConversationEvent('three')).success];");
    const mended = await rerun(system, typed?.id ?? '', { version: 'newest' });
    expect(mended).toMatchObject({ status: 'succeeded', result: [expect.any(String), 'answer 1', true] });
    expect(upstream.received).toHaveLength(1);
    expect(await timelineOf(mended)).toEqual(['one', 'three']);
    expect(mended.calls.filter(({ replayedFrom }) => replayedFrom === typed?.id)).toHaveLength(2);
  });

  it('is answered from the whole chain when it is run a third time', async () => {
    const failed = await run(`${three}raise ValueError("no")`);
    await push(`${three}requests.post(URL + "/four", data="4")\nraise ValueError("no again")`);
    const second = await rerun(system, failed.id, { version: 'newest' });
    expect(second.status).toBe('failed');
    await push(three + two);
    const third = await rerun(system, second.id, { version: 'newest' });
    expect(third.status).toBe('succeeded');
    expect(third.calls.map(({ replayedFrom }) => replayedFrom)).toEqual([
      failed.id,
      failed.id,
      failed.id,
      second.id,
      null,
    ]);
    expect(upstream.received.map(({ path }) => path)).toEqual(['/two', '/four']);
    expect(await timelineOf(third)).toEqual(['one', 'five']);
    expect(third.predecessors.map(({ id }) => id)).toEqual([failed.id, second.id]);
  });
});

describe('a re-run', () => {
  it('asks again what had no final answer, with the same Idempotency-Key', async () => {
    statuses.push(503, 503);
    const failed = await run('requests.post(URL, data="x").raise_for_status()');
    const [call] = failed.calls;
    const again = await rerun(system, failed.id);
    expect(again.status).toBe('failed');
    const good = await rerun(system, again.id);
    expect(good.status).toBe('succeeded');
    expect(upstream.received).toHaveLength(3);
    expect(new Set(keys())).toEqual(new Set([keys()[0]]));
    expect(call?.args).toMatchObject({ idempotencyKey: keys()[0] });
    expect(again.calls).toMatchObject([{ try: 2, state: 'transient', replayedFrom: null }]);
    expect(good.calls).toMatchObject([{ try: 3, state: 'succeeded', replayedFrom: null }]);
  });

  it('makes reads anew whose arguments changed, uses the answer to effects, and shows the drift', async () => {
    const body = (word: string, rest: string) => `
requests.get(URL + "/${word}", params={"a": "${word}"})
requests.get(URL + "/same", params={"a": "${word}"})
add_conversation_event(context, "${word}")
${rest}`;
    const failed = await run(body('same', 'raise ValueError("no")'));
    await push(body('other', 'return random.random()'));
    const again = await rerun(system, failed.id, { version: 'newest' });
    expect(upstream.received.map(({ path }) => path)).toEqual([
      '/same?a=same',
      '/same?a=same',
      '/other?a=other',
      '/same?a=other',
    ]);
    expect(await timelineOf(again)).toEqual(['same']);
    const event = again.calls.find(({ name }) => name === 'add_conversation_event');
    expect(event).toMatchObject({ replayedFrom: failed.id, drift: { event: 'other' } });
  });

  it('draws the same random numbers, a fresh one others', async () => {
    const first = await run('return random.random()');
    expect((await rerun(system, first.id)).result).toBe(first.result);
    expect((await rerun(system, first.id, { fresh: true })).result).not.toBe(first.result);
  });

  it('finishes a call that was left without an answer, in the record of who made it, once', async () => {
    const first = await run('return add_conversation_event(context, "left behind")["eventId"]');
    const [call] = first.calls;
    // As if the transaction of its effect had never come to an end.
    await system.store.db
      .deleteFrom('timeline_events')
      .where('id', '=', call?.id ?? '')
      .execute();
    await system.store.db
      .updateTable('calls')
      .set({ state: 'intent', answer: null, answered_at: null })
      .where('id', '=', call?.id ?? '')
      .execute();
    const again = await rerun(system, first.id);
    expect(again).toMatchObject({ status: 'succeeded', result: call?.id });
    expect(again.calls).toMatchObject([{ id: call?.id, replayedFrom: first.id, state: 'succeeded', try: 1 }]);
    expect(await timelineOf(again)).toEqual(['left behind']);
  });

  it('finds the row in the sheet that was written while nobody heard of it', async () => {
    outside.google.create('rerun');
    outside.google.fail({ on: '/rerun:batchUpdate', when: 'after', then: 'hang' });
    const failed = await run('return add_google_sheets_row("rerun", {"Subject": "one"})["updatedRange"]');
    expect(failed).toMatchObject({ status: 'failed', calls: [{ state: 'transient' }] });
    const again = await rerun(system, failed.id);
    expect(again).toMatchObject({ status: 'succeeded', result: 'Sheet1!A2:A2', calls: [{ try: 2 }] });
    expect(outside.google.rows('rerun')).toEqual([['Subject'], ['one']]);
  });

  it('that nobody started is started by the relay, and once', async () => {
    const first = await run('return 1');
    const written = await writeRerun(system, first.id);
    const later = await writeRerun(system, first.id, { fresh: true });
    await startDirectRun(system.temporal.client, system.taskQueue, later);
    await system.store.db
      .updateTable('executions')
      .set({ relay_at: new Date() })
      .where('relay_at', 'is not', null)
      .execute();
    const relay = createRelay({
      store: system.store,
      startEvent: () => Promise.resolve({ duplicate: true }),
      startRun: (waiting) => startDirectRun(system.temporal.client, system.taskQueue, waiting),
      log: createLog({ level: 'error', process: 'test' }),
      intervalMs: 20,
    });
    relay.start();
    await eventually(() => endOfRerun(system, written));
    expect(await endOfRerun(system, written)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(await endOfRerun(system, later)).toMatchObject({ status: 'succeeded', attempts: 1 });
    await relay.stop();
    expect(await startDirectRun(system.temporal.client, system.taskQueue, written)).toEqual({ duplicate: true });
  });
});

describe('analytics events of a re-run', () => {
  const registering = (...of: string[]) =>
    of.map((key) => `register_event({"key": "${key}", "value_type": "string", "value": "v"})`).join('\n');
  const statesOf = ({ analyticsEvents }: ExecutionDetail) =>
    analyticsEvents.map(({ registered, state }) => [registered.key, state]);

  it('that the one before has delivered are not delivered again, unless it is fresh', async () => {
    const first = await run(registering('a', 'b'));
    expect(statesOf(first)).toEqual([
      ['a', 'delivered'],
      ['b', 'delivered'],
    ]);
    await push(registering('a', 'c', 'd'));
    const again = await rerun(system, first.id, { version: 'newest' });
    expect(statesOf(again)).toEqual([
      ['a', 'delivered_before'],
      ['c', 'delivered'],
      ['d', 'delivered'],
    ]);
    const third = await rerun(system, again.id);
    expect(statesOf(third).map(([, state]) => state)).toEqual(Array(3).fill('delivered_before'));
    const fresh = await rerun(system, first.id, { fresh: true });
    expect(statesOf(fresh).map(([, state]) => state)).toEqual(['delivered', 'delivered']);
    expect(
      [first, again, third, fresh]
        .flatMap(({ analyticsEvents }) => analyticsEvents)
        .filter(({ id }) => sink.arrived.has(id)),
    ).toHaveLength(6);
  });

  it('of one that failed are all delivered; a sink that never took one gets it now, and only that sink', async () => {
    const failed = await run(`${registering('a')}\nraise ValueError("no")`);
    await push(registering('a'));
    const again = await rerun(system, failed.id, { version: 'newest' });
    expect(statesOf(again)).toEqual([['a', 'delivered']]);
    await system.store.db
      .updateTable('analytics_deliveries')
      .set({ state: 'dead' })
      .where('execution_id', '=', again.id)
      .where('sink', '=', 'http')
      .execute();
    const third = await rerun(system, again.id);
    expect(third.analyticsEvents.map(({ deliveries }) => deliveries)).toMatchObject([
      [{ sink: 'http', state: 'delivered' }],
    ]);
  });
});
