import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ExecutionDetail } from '../../src/contract/execution.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { limits } from '../../src/domain/limits.ts';
import { startGoogleStandIn, type GoogleStandIn } from '../../src/dev/stand-ins/google-sheets.ts';
import { startLlmStandIn, type LlmStandIn } from '../../src/dev/stand-ins/llm.ts';
import { createHelperServices } from '../../src/helper-services.ts';
import { createConversationWriter } from '../../src/store/conversation-writer.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { eventually, handler } from '../integration/spine-system.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';

let system: TestSystem;
let api: TestApi;
let conversation: { id: string; publicId: string };
let google: GoogleStandIn;
let llm: LlmStandIn;
let upstream: Upstream;

beforeAll(async () => {
  [google, llm] = await Promise.all([startGoogleStandIn(), startLlmStandIn()]);
  upstream = await startUpstream((_request, response) => response.end('received'));
  const services = createHelperServices({
    llm: { baseUrl: llm.baseUrl, apiKey: 'key', model: 'model', api: 'responses' },
    google: { credentials: google.credentials, rootUrl: google.url },
  });
  system = await startSystem({ services });
  api = await startApi(system);
});
afterAll(async () => {
  await api.stop();
  await system.stop();
  await Promise.all([google.close(), llm.close(), upstream.close()]);
});

/** A stored conversation of the test's own. */
beforeEach(async () => {
  const input = ConversationEventInput.parse(closedEvent({ type: 'conversation_reopened' }));
  if (!('conversation' in input)) throw new Error('an event with its conversation');
  conversation = input.conversation;
  await api.request('PUT', `/conversations/${conversation.id}`, input.conversation);
});

const closedType = 'conversation_closed';

async function testRun(body: Record<string, unknown>): Promise<ExecutionDetail> {
  const answer = await api.request('POST', '/test-runs', {
    conversation: conversation.publicId,
    eventType: closedType,
    ...body,
  });
  expect(answer).toMatchObject({ status: 200 });
  return ExecutionDetail.parse(answer.body);
}

/** Every row that a handler can write outside its own execution. */
async function written() {
  const { db } = system.store;
  const tables = [
    'tags',
    'conversation_tags',
    'conversation_metadata',
    'timeline_events',
    'conversation_events',
  ] as const;
  const counts = tables.map(async (table) => [table, (await db.selectFrom(table).selectAll().execute()).length]);
  const { tags, metadata, timeline } = await getConversation(db, organization, conversation.id);
  return { rows: await Promise.all(counts), tags, metadata, timeline };
}

const pairs = z.object({ items: z.array(z.object({ id: z.string(), kind: z.string() })) });
async function listed(query: string) {
  return pairs.parse((await api.request('GET', `/executions?${query}`)).body).items;
}

describe('C 18. a test run names its conversation', () => {
  const code = handler('return context["conversation"]["id"]');

  test('by its id', async () => {
    expect(await testRun({ code, conversation: conversation.id })).toMatchObject({
      status: 'succeeded',
      result: conversation.id,
    });
  });

  test('by its public id', async () => {
    expect(await testRun({ code, conversation: conversation.publicId })).toMatchObject({
      kind: 'test',
      result: conversation.id,
      conversationPublicId: conversation.publicId,
    });
  });

  test('one that is not stored, or is another organisation’s, is a clear error', async () => {
    for (const unknown of ['NOBODY', '0199a3f0-0000-7000-8000-00000000dead']) {
      const body = { code, eventType: closedType, conversation: unknown };
      expect(await api.request('POST', '/test-runs', body)).toMatchObject({
        status: 404,
        body: { code: 'conversation_not_found', detail: `There is no conversation "${unknown}".` },
      });
    }
  });

  test('and sees it as it is now, the newest message included', async () => {
    const messages = [
      { sender: 'customer', timestamp: '2026-01-06T10:00:00Z', content: 'Still nothing.', channel: 'sms', id: 'late' },
    ];
    const { body } = await api.request('GET', `/conversations/${conversation.id}`);
    const { subject, businessSlug, publicId, id } = z
      .object({ subject: z.string(), businessSlug: z.string(), publicId: z.string(), id: z.string() })
      .parse(body);
    await api.request('PUT', `/conversations/${id}`, { id, publicId, subject, businessSlug, messages });
    const run = await testRun({ code: handler('return [m["content"] for m in context["conversation"]["messages"]]') });
    expect(run.result).toEqual(['Where is my order?', 'It is on its way.', 'Still nothing.']);
  });
});

describe('C 19. it runs the code in the editor, for the type that is chosen, and answers all it left', () => {
  test('unsaved code, which no handler has', async () => {
    const code =
      'import sys\ndef handle_event(context):\n    print("out")\n    print("err", file=sys.stderr)\n    return [1]\n';
    expect(await testRun({ code })).toMatchObject({
      status: 'succeeded',
      result: [1],
      stdout: 'out\n',
      stderr: 'err\n',
      error: null,
      handlerName: 'unsaved',
      handlerId: null,
      handlerVersion: null,
      eventId: null,
      calls: [],
      attempts: 1,
    });
  });

  test('with its calls, their arguments and answers', async () => {
    const code = handler('return add_conversation_tag(context, "vip")["success"]');
    expect(await testRun({ code })).toMatchObject({
      result: true,
      calls: [{ name: 'add_conversation_tag', args: { tag: 'vip' }, state: 'succeeded', answer: { success: true } }],
    });
  });

  test.each(['conversation_closed', 'conversation_handed_off', 'conversation_reopened'])('as %s', async (eventType) => {
    const run = await testRun({ code: handler('return context["args"]'), eventType, actor: 'agent' });
    expect(run).toMatchObject({ eventType, result: { event_type: eventType, attempt: 1, actor: 'agent' } });
    expect(run.result).toHaveProperty('event_id', `test-run/${run.id}`);
  });

  test('saved code, by the handler’s name, also of one that is off; with edited code that code', async () => {
    await system.push('saved', handler('return "saved"'), { enabled: false, eventType: 'conversation_handed_off' });
    const saved = await testRun({ handler: 'saved', eventType: undefined });
    expect(saved).toMatchObject({ result: 'saved', handlerName: 'saved', handlerVersion: 1 });
    expect(saved.eventType).toBe('conversation_handed_off');
    const edited = await testRun({ handler: 'saved', code: handler('return "edited"') });
    expect(edited).toMatchObject({ result: 'edited', handlerName: 'saved', handlerVersion: null });
    expect(edited.handlerId).toBe(saved.handlerId);
    const unknown = { conversation: conversation.id, handler: 'nobody' };
    expect(await api.request('POST', '/test-runs', unknown)).toMatchObject({
      status: 404,
      body: { code: 'handler_not_found' },
    });
  });

  test('code in TypeScript, saved or not; edited code in the language it is sent as', async () => {
    const code = (answer: string) =>
      `export async function handleEvent(context: any, helpers: any) {\n` +
      `  const { success } = await helpers.addConversationTag('tested');\n  return [${answer}, success];\n}\n`;
    expect(await testRun({ code: code('1'), language: 'typescript' })).toMatchObject({
      status: 'succeeded',
      result: [1, true],
      calls: [{ name: 'add_conversation_tag', state: 'succeeded' }],
    });
    await system.push('in-typescript', code('2'), { language: 'typescript', enabled: false });
    expect(await testRun({ handler: 'in-typescript' })).toMatchObject({ status: 'succeeded', result: [2, true] });
    const edited = await testRun({ handler: 'in-typescript', code: code('3') });
    expect(edited).toMatchObject({ status: 'succeeded', result: [3, true] });
    const moved = await testRun({ handler: 'in-typescript', code: handler('return 4'), language: 'python' });
    expect(moved).toMatchObject({ status: 'succeeded', result: 4 });
    expect((await getConversation(system.store.db, organization, conversation.id)).tags).toEqual([]);
    const tool = await api.request('POST', '/tools/in-typescript/invocations', { parameters: {} });
    expect(tool).toMatchObject({ status: 400, body: { code: 'invalid_handler' } });
  });

  test('a failure is an answer too, and nothing is tried again', async () => {
    const raised = await testRun({ code: handler('print("first")\nraise KeyError("vip")'), settings: { attempts: 5 } });
    expect(raised).toMatchObject({
      status: 'failed',
      reason: 'raised',
      attempts: 1,
      stdout: 'first\n',
      error: { type: 'KeyError', message: "'vip'" },
    });
    expect(raised.error?.traceback).toContain('line 4, in handle_event');
    expect(raised.stderr).toContain('KeyError');
    expect(await testRun({ code: 'def handle_event(context:\n' })).toMatchObject({
      status: 'failed',
      reason: 'syntax_error',
      error: { type: 'SyntaxError' },
      attempts: 1,
    });
    expect(await testRun({ code: 'x = 1\n' })).toMatchObject({ status: 'failed', reason: 'no_entry_point' });
  });
});

describe('C 20. nothing is written', () => {
  test('no tag, no metadata, no timeline event; they are answered as if done', async () => {
    const { db } = system.store;
    const live = createConversationWriter(db, organization, conversation.id);
    await live.setMetadata('kept', 'before');
    await live.setMetadata('gone', 'before');
    await live.addTag('old');
    const before = await written();
    const code = handler(`
return {
    "tag": add_conversation_tag(context, "new"),
    "tag again": add_conversation_tag(context, "new"),
    "old tag": add_conversation_tag(context, "old"),
    "event": add_conversation_event(context, "noted")["success"],
    "set": set_conversation_metadata(context, "kept", "after"),
    "get": get_conversation_metadata(context, "kept"),
    "new": [set_conversation_metadata(context, "k", "v")["success"], get_conversation_metadata(context, "k")],
    "delete": [delete_conversation_metadata(context, "gone"), get_conversation_metadata(context, "gone")],
    "delete again": delete_conversation_metadata(context, "gone"),
    "delete own": [delete_conversation_metadata(context, "k")["success"], get_conversation_metadata(context, "k")],
    "set again": [set_conversation_metadata(context, "gone", "back")["success"], get_conversation_metadata(context, "gone")],
}`);
    const run = await testRun({ code });
    const tag = { success: true, message: 'Tag added', tagId: expect.stringMatching(/^[\da-f-]{36}$/) };
    expect(run.error).toBeNull();
    expect(run.result).toEqual({
      tag,
      'tag again': { ...tag, message: 'The conversation already has this tag' },
      'old tag': { ...tag, message: 'The conversation already has this tag' },
      event: true,
      set: { success: true, message: 'Metadata saved', key: 'kept', value: 'after' },
      get: 'after',
      new: [true, 'v'],
      delete: [{ success: true, message: 'Metadata deleted' }, null],
      'delete again': { success: false, message: 'Key not found' },
      'delete own': [true, null],
      'set again': [true, 'back'],
    });
    expect(await written()).toEqual(before);
    expect(before).toMatchObject({ tags: ['old'], metadata: { kept: 'before', gone: 'before' } });
  });

  test('no row is written, though the sheet is read and checked', async () => {
    google.create('sheet', { rows: [['name'], ['Ada']] });
    const code = handler(`
written = add_google_sheets_row("sheet", {"name": "Grace"})
try:
    return [written, add_google_sheets_row("sheet", {"surname": "Hopper"})]
except HelperError as error:
    return [written, error.code]`);
    const run = await testRun({ code });
    expect(run.result).toEqual([
      { success: true, updatedRange: expect.stringMatching(/!A3(:A3)?$/) as unknown },
      'sheet_column_unknown',
    ]);
    expect(google.rows('sheet')).toEqual([['name'], ['Ada']]);
  });

  test('the LLM and the holidays answer for real, and requests are sent', async () => {
    llm.say('{"answer": "praise"}');
    const code = handler(`
import requests
return [
    llm_classify_category("What is it about?", "It is late", ["complaint", "praise"]),
    is_holiday("DE", check_date="2026-10-03"),
    requests.post(${JSON.stringify(upstream.url)} + "/crm", json={"n": 1}).text,
]`);
    const run = await testRun({ code });
    expect(run.error).toBeNull();
    expect(run.result).toEqual(['praise', true, 'received']);
    expect(upstream.received).toMatchObject([{ method: 'POST', path: '/crm' }]);
    expect(run.calls.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });

  test('one run sees nothing of another', async () => {
    const code = handler(`
found = get_conversation_metadata(context, "k")
set_conversation_metadata(context, "k", "v")
return [found, add_conversation_tag(context, "t")["message"]]`);
    for (let n = 0; n < 2; n += 1) expect((await testRun({ code })).result).toEqual([null, 'Tag added']);
  });

  test('the limits hold as live: 200 keys and not one more, wrong arguments', async () => {
    const live = createConversationWriter(system.store.db, organization, conversation.id);
    for (let n = 1; n < limits.metadataPairs; n += 1) await live.setMetadata(`key-${String(n)}`, 'v');
    const code = handler(`
results = {}
for name, attempt in [
    ("200th", lambda: set_conversation_metadata(context, "last", "v")["success"]),
    ("201st", lambda: set_conversation_metadata(context, "too many", "v")),
    ("again", lambda: set_conversation_metadata(context, "key-1", "w")["value"]),
    ("deleted", lambda: delete_conversation_metadata(context, "key-2")["success"]),
    ("freed", lambda: set_conversation_metadata(context, "too many", "v")["success"]),
    ("full again", lambda: set_conversation_metadata(context, "key-2", "v")),
    ("number", lambda: set_conversation_metadata(context, "key-1", 7)),
    ("empty tag", lambda: add_conversation_tag(context, "")),
    ("long event", lambda: add_conversation_event(context, "x" * 1001)),
]:
    try:
        results[name] = attempt()
    except HelperError as error:
        results[name] = error.code
return results`);
    expect((await testRun({ code })).result).toEqual({
      '200th': true,
      '201st': 'limit_exceeded',
      again: 'w',
      deleted: true,
      freed: true,
      'full again': 'limit_exceeded',
      number: 'invalid_arguments',
      'empty tag': 'invalid_arguments',
      'long event': 'invalid_arguments',
    });
  });

  test('no other handler runs, and the lists of live executions do not show it', async () => {
    await system.push('neighbour', handler('return 1'));
    const before = await listed('limit=200');
    const run = await testRun({ code: handler('return 1') });
    expect(await listed('limit=200')).toEqual(before);
    expect(await listed(`conversation=${conversation.id}`)).toEqual([]);
    expect(await listed('handler=neighbour')).toEqual([]);
    expect(await listed(`kind=test&conversation=${conversation.id}`)).toMatchObject([{ id: run.id, kind: 'test' }]);
  });
});

describe('how long the answer may take', () => {
  const slow = handler('print("begun", flush=True)\ntime.sleep(2)\nreturn "done"');

  async function untilEnded(id: string): Promise<ExecutionDetail> {
    return await eventually(async () => {
      const execution = ExecutionDetail.parse((await api.request('GET', `/executions/${id}`)).body);
      expect(execution.finishedAt).not.toBeNull();
      return execution;
    });
  }

  test('longer than was asked for: 202 with the execution so far, which goes on', async () => {
    const { status, body } = await api.request('POST', '/test-runs', {
      conversation: conversation.id,
      eventType: closedType,
      code: slow,
      waitSeconds: 1,
    });
    expect(status).toBe(202);
    const sofar = ExecutionDetail.parse(body);
    expect(sofar).toMatchObject({ finishedAt: null, result: null });
    expect(await untilEnded(sofar.id)).toMatchObject({ result: 'done', stdout: 'begun\n' });
  });

  test('a client that goes away leaves a run that goes on and can be read', async () => {
    const gone = new AbortController();
    const asked = api.request(
      'POST',
      '/test-runs',
      { conversation: conversation.id, eventType: closedType, code: slow },
      gone.signal,
    );
    const query = `kind=test&conversation=${conversation.id}`;
    await eventually(async () => {
      expect(await listed(query)).toHaveLength(1);
    });
    gone.abort();
    await expect(asked).rejects.toThrow('aborted');
    const [run] = await listed(query);
    expect(await untilEnded(run?.id ?? '')).toMatchObject({ result: 'done' });
  });
});
