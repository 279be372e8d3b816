import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectAfterword } from '../../src/client.ts';
import { HandlerPush } from '../../src/contract/handler.ts';
import { packageRoot } from '../../src/config/package-root.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { listHandlers, pushHandler, setHandlerEnabled } from '../../src/store/handlers.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';

/**
 * What Octocom's page on event handlers promises, line by line; the numbers are those of our checklist of it. Lines 15
 * and 17 are in event-handlers-helpers.test.ts, 18 to 20 in event-handlers-test-run.test.ts.
 */

const slack = 'https://hooks.slack.com';
const wallMs = 5_000;

let system: TestSystem;
let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream((_request, response) => response.end('ok'));
  const origins = new Map([
    ['https://api.example.com', upstream.url],
    [slack, upstream.url],
  ]);
  system = await startSystem({ wallMs, http: { openNetworks: [], origins } });
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});
afterEach(async () => {
  for (const { name } of await listHandlers(system.store.db, organization)) {
    await setHandlerEnabled(system.store.db, organization, name, false);
  }
  upstream.forget();
});

type Push = Parameters<TestSystem['push']>[2];
const returning = (expression: string) => `def handle_event(context):\n    return ${expression}\n`;

async function resultOf(code: string, event: Parameters<TestSystem['run']>[0] = {}, more: Push = {}) {
  const name = `handler-${randomUUID()}`;
  await system.push(name, code, { enabled: true, settings: { attempts: 1 }, ...more });
  const execution = (await system.run(event))[name];
  if (execution === undefined) throw new Error('it did not run');
  await setHandlerEnabled(system.store.db, organization, name, false);
  return execution;
}

const sample = (file: string) => readFile(join(packageRoot, 'examples', 'handlers', file), 'utf8');
const conversation = (more: object = {}) => {
  const event = closedEvent();
  if (!('conversation' in event)) throw new Error('the event has its conversation');
  return { ...event.conversation, ...more };
};

describe('the events', () => {
  it.each(['agent', 'bot', 'automation'] as const)('C 1. a conversation closed by %s fires', async (actor) => {
    const { status, result } = await resultOf(returning('context["args"]["actor"]'), { actor });
    expect({ status, result }).toEqual({ status: 'succeeded', result: actor });
  });

  it('C 2. a hand-off fires only the handlers of its own type', async () => {
    await system.push('on-closing', returning('1'));
    await system.push('on-hand-off', returning('2'), { eventType: 'conversation_handed_off' });
    expect(Object.keys(await system.run({ type: 'conversation_handed_off' }))).toEqual(['on-hand-off']);
  });

  it('C 3. a handler has exactly one event type, and keeps it', async () => {
    await system.push('one-type', returning('1'));
    const other = system.push('one-type', returning('1'), { eventType: 'conversation_handed_off' });
    await expect(other).rejects.toMatchObject({ code: 'handler_event_type_fixed' });
  });

  it('C 4. of four handlers one fails, one hangs and one is slow; the others end as if they were alone', async () => {
    const tagging = 'def handle_event(context):\n    return add_conversation_tag(context, "fine")["success"]\n';
    const codes = {
      fine: tagging,
      fails: 'def handle_event(context):\n    raise ValueError("no")\n',
      hangs: 'import time\ndef handle_event(context):\n    time.sleep(600)\n',
      slow: 'import time\ndef handle_event(context):\n    time.sleep(1.5)\n    return "slow"\n',
    };
    for (const [name, code] of Object.entries(codes)) await system.push(name, code, { settings: { attempts: 1 } });
    const together = await system.run();
    expect(together.fine).toMatchObject({ status: 'succeeded', result: true });
    expect(together.slow).toMatchObject({ status: 'succeeded', result: 'slow' });
    expect(together.fails).toMatchObject({ status: 'failed', reason: 'raised', error: { message: 'no' } });
    expect(together.hangs).toMatchObject({ status: 'timed_out' });
    for (const name of ['fails', 'hangs', 'slow']) await setHandlerEnabled(system.store.db, organization, name, false);
    const alone = (await system.run()).fine;
    expect(alone).toMatchObject({ status: 'succeeded', result: together.fine?.result });
    expect(together.fine?.finishedAt).toBeDefined();
    expect(Date.parse(together.fine?.finishedAt ?? '')).toBeLessThan(Date.parse(together.slow?.finishedAt ?? ''));
  });

  it('C 5. only the organisation’s own handlers run, on its own data', async () => {
    const { db } = system.store;
    await ensureOrganization(db, { id: 'other', name: 'Other' });
    const code = 'def handle_event(context):\n    return get_conversation_metadata(context, "whose")\n';
    await pushHandler(db, 'other', HandlerPush.parse({ name: 'theirs', eventType: 'conversation_closed', code }));
    await system.push('ours', 'def handle_event(context):\n    set_conversation_metadata(context, "whose", "ours")\n');
    const event = closedEvent();
    expect(Object.keys(await system.run(event))).toEqual(['ours']);

    const { address } = inject('temporal');
    const client = connectAfterword({ organization: 'other', taskQueue: system.taskQueue, address });
    const { workflowId } = await client.publish(event);
    expect(await client.result(workflowId)).toMatchObject({ executions: [{ handlerName: 'theirs' }] });
    await client.close();
    if (!('conversation' in event)) throw new Error('the event has its conversation');
    expect((await getConversation(db, 'other', event.conversation.id)).metadata).toEqual({});
    expect((await getConversation(db, organization, event.conversation.id)).metadata).toEqual({ whose: 'ours' });
  });

  it('C 14. closing never waits for handlers', async () => {
    await system.push('hangs-long', 'import time\ndef handle_event(context):\n    time.sleep(600)\n', {
      settings: { attempts: 1 },
    });
    const { workflowId } = await system.client.publish(closedEvent());
    expect(await system.client.describe(workflowId)).toMatchObject({ status: { name: 'RUNNING' } });
    await system.client.cancel(workflowId);
  });

  it('C 21. an event that comes twice runs nothing twice', async () => {
    await system.push('once', 'def handle_event(context):\n    add_conversation_event(context, "ran")\n');
    const event = closedEvent();
    const first = await system.client.publish(event);
    await system.client.result(first.workflowId);
    const second = await system.client.publish(event);
    expect(second).toMatchObject({ workflowId: first.workflowId, duplicate: true });
    if (!('conversation' in event)) throw new Error('the event has its conversation');
    expect((await getConversation(system.store.db, organization, event.conversation.id)).timeline).toHaveLength(1);
  });

  it('C 21. the guard of the page, by metadata, works too', async () => {
    const code = `
def handle_event(context):
    if get_conversation_metadata(context, "processed"):
        return "before"
    set_conversation_metadata(context, "processed", "yes")
    return "first"
`;
    await system.push('guarded', code);
    const shared = conversation();
    const [first, second] = [await system.run({ conversation: shared }), await system.run({ conversation: shared })];
    expect([first.guarded?.result, second.guarded?.result]).toEqual(['first', 'before']);
  });
});

describe('the context', () => {
  it.each(['conversation_closed', 'conversation_handed_off'] as const)('C 6. args.event_type is %s', async (type) => {
    const { result } = await resultOf(returning('context["args"]["event_type"]'), { type }, { eventType: type });
    expect(result).toBe(type);
  });

  it('C 7. has every field of the page', async () => {
    const given = conversation({ initialChannel: 'email', latestChannel: 'sms' });
    const { result } = await resultOf(returning('context'), { conversation: given });
    const { id, publicId, subject, businessSlug } = given;
    expect(result).toMatchObject({
      args: { event_type: 'conversation_closed' },
      conversation: { id, publicId, subject, businessSlug, initialChannel: 'email', latestChannel: 'sms' },
      business: { slug: businessSlug },
      customer: null,
    });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('C 8. messages have their senders, ISO timestamps and channels', async () => {
    const messages = (['customer', 'bot', 'agent'] as const).map((sender, index) => ({
      sender,
      timestamp: `2026-01-05T10:0${String(index)}:00+01:00`,
      content: `by the ${sender} ✓`,
      channel: 'email',
    }));
    const { result } = await resultOf(returning('context["conversation"]["messages"]'), {
      conversation: conversation({ messages }),
    });
    expect(result).toMatchObject(messages.map(({ sender, content, channel }) => ({ sender, content, channel })));
    for (const { timestamp } of result as { timestamp: string }[]) {
      expect(timestamp).toMatch(/^2026-01-05T\d{2}:0\d:00(\.\d+)?(Z|[+-]\d{2}:\d{2})$/);
    }
  });

  it('C 9. browser_session is there only for web chat', async () => {
    const code = returning('context.get("browser_session", "absent")');
    const browserSession = { pageUrl: 'https://shop.example.com' };
    expect((await resultOf(code, { conversation: conversation({ browserSession }) })).result).toEqual(browserSession);
    expect((await resultOf(code)).result).toBe('absent');
  });

  it.each(['notify_webhook.py', 'update_crm.py', 'tell_slack.py'])(
    'C 10. %s runs on a conversation without messages',
    async (file) => {
      const { status } = await resultOf(await sample(file), { conversation: conversation({ messages: [] }) });
      expect(status).toBe('succeeded');
      expect(upstream.received).toHaveLength(1);
    },
  );
});

describe('how a handler ends', () => {
  it('C 11. one that does not end is killed, children included, its output kept', async () => {
    const code = `
import sys, threading, time
def handle_event(context):
    threading.Thread(target=time.sleep, args=(600,)).start()
    print("so far", flush=True)
    print("so bad", file=sys.stderr)
    while True:
        pass
`;
    const before = performance.now();
    const execution = await resultOf(code);
    expect(performance.now() - before).toBeLessThan(wallMs + 10_000);
    expect(execution).toMatchObject({ status: 'timed_out', error: { type: 'Timeout' }, stdout: 'so far\n' });
    expect(execution.stderr).toMatch(/^so bad\n/);
  });

  it.each([
    ['an exception', 'def handle_event(context):\n    raise KeyError("k")\n', 'raised', 'KeyError'],
    ['a syntax error', 'def handle_event(context)\n', 'syntax_error', 'SyntaxError'],
    ['no entry point', 'def handle(context):\n    pass\n', 'no_entry_point', 'NoEntryPoint'],
    ['a result that is not JSON', returning('{1, 2}'), 'not_json', 'NotJson'],
  ])('C 12. %s is logged, on stderr too', async (_what, code, reason, type) => {
    const execution = await resultOf(code);
    expect(execution).toMatchObject({ status: 'failed', reason, error: { type } });
    expect(execution.stderr).toContain(type);
  });

  it('C 13. result, stdout and stderr are kept', async () => {
    const code =
      'import sys\ndef handle_event(context):\n    print("out")\n    print("err", file=sys.stderr)\n    return {"a": 1}\n';
    expect(await resultOf(code)).toMatchObject({ result: { a: 1 }, stdout: 'out\n', stderr: 'err\n' });
  });

  it('C 16. metadata is shared by the executions of a conversation', async () => {
    const shared = conversation();
    await resultOf('def handle_event(context):\n    set_conversation_metadata(context, "k", "v")\n', {
      conversation: shared,
    });
    const read = 'def handle_event(context):\n    return get_conversation_metadata(context, "k")\n';
    expect((await resultOf(read, { conversation: shared })).result).toBe('v');
    expect((await resultOf(read)).result).toBeNull();
  });
});

describe('requests', () => {
  it('C 22. the sample that notifies a webhook runs unchanged', async () => {
    const given = conversation();
    const { result } = await resultOf(await sample('notify_webhook.py'), { conversation: given });
    expect(result).toEqual({ status: 'notified' });
    const [request] = upstream.received;
    expect(request).toMatchObject({ method: 'POST', path: '/webhook', headers: { host: 'api.example.com' } });
    expect(JSON.parse(request?.body.toString() ?? '')).toEqual({
      event: 'conversation_closed',
      conversationId: given.publicId,
      subject: given.subject,
      messageCount: 2,
    });
  });

  it('C 22. the sample that updates a CRM runs unchanged', async () => {
    const given = conversation();
    const { result } = await resultOf(await sample('update_crm.py'), { conversation: given });
    expect(result).toEqual({ status: 'synced' });
    expect(JSON.parse(upstream.received[0]?.body.toString() ?? '')).toMatchObject({
      externalId: given.publicId,
      messageCount: 2,
      customerMessageCount: 1,
      resolvedAt: expect.stringContaining('2026-01-05T10:05:00') as string,
    });
  });

  it('C 22. the sample that tells Slack runs unchanged', async () => {
    const given = conversation();
    const type = 'conversation_handed_off';
    const { result } = await resultOf(
      await sample('tell_slack.py'),
      { type, conversation: given },
      { eventType: type },
    );
    expect(result).toEqual({ status: 'notified' });
    expect(upstream.received[0]).toMatchObject({
      path: '/services/YOUR/WEBHOOK/URL',
      headers: { host: 'hooks.slack.com' },
    });
    expect(JSON.parse(upstream.received[0]?.body.toString() ?? '')).toMatchObject({
      text: `Conversation ${given.publicId} handed off`,
      blocks: [{ text: { text: expect.stringContaining('> Where is my order?') as string } }],
    });
  });

  it('C 23. a private network address is refused', async () => {
    const code = `
import requests
def handle_event(context):
    refused = []
    for url in ("${upstream.url}", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1", "http://[::1]"):
        try:
            requests.get(url, timeout=5)
        except requests.exceptions.ConnectionError as error:
            refused.append("private or local address" in str(error))
    return refused
`;
    expect((await resultOf(code)).result).toEqual([true, true, true, true]);
    expect(upstream.received).toEqual([]);
  });
});
