import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { camelCase } from '../../src/sandbox/typescript/helper-description.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { listHandlers, setHandlerEnabled } from '../../src/store/handlers.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';

/** The same checklist as in event-handlers.test.ts, for handlers in TypeScript. */

const wallMs = 5_000;

let system: TestSystem;
let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream((_request, response) => response.end('ok'));
  const origins = new Map([['https://api.example.com', upstream.url]]);
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

const handler = (body: string) => `export async function handleEvent(context: any, helpers: any) {\n${body}\n}\n`;

async function runOne(code: string, event: Parameters<TestSystem['run']>[0] = {}, attempts = 1) {
  const name = `handler-${randomUUID()}`;
  await system.push(name, code, { language: 'typescript', settings: { attempts } });
  const execution = (await system.run(event))[name];
  if (execution === undefined) throw new Error('it did not run');
  await setHandlerEnabled(system.store.db, organization, name, false);
  return execution;
}

function conversation(more: object = {}) {
  const event = closedEvent();
  if (!('conversation' in event)) throw new Error('the event has its conversation');
  return { ...event.conversation, ...more };
}

describe('the events', () => {
  it.each(['agent', 'bot', 'automation'] as const)('C 1. a conversation closed by %s fires', async (actor) => {
    expect(await runOne(handler('return context.args.actor;'), { actor })).toMatchObject({
      status: 'succeeded',
      result: actor,
    });
  });

  it('C 2. a hand-off fires only its own', async () => {
    const code = handler('return context.args.event_type;');
    await system.push('on-closing', code, { language: 'typescript' });
    await system.push('on-hand-off', code, { language: 'typescript', eventType: 'conversation_handed_off' });
    const executions = await system.run({ type: 'conversation_handed_off' });
    expect(executions).toMatchObject({ 'on-hand-off': { result: 'conversation_handed_off' } });
    expect(Object.keys(executions)).toEqual(['on-hand-off']);
  });

  it('C 4. of four handlers one fails, one hangs and one is slow; the others end as if they were alone', async () => {
    const codes = {
      fine: handler("return (await helpers.addConversationTag('fine')).success;"),
      fails: handler("throw new Error('no');"),
      hangs: handler('for (;;) {}'),
      slow: handler("await new Promise((resolve) => setTimeout(resolve, 1_500)); return 'slow';"),
    };
    for (const [name, code] of Object.entries(codes)) {
      await system.push(name, code, { language: 'typescript', settings: { attempts: 1 } });
    }
    expect(await system.run()).toMatchObject({
      fine: { status: 'succeeded', result: true },
      slow: { status: 'succeeded', result: 'slow' },
      fails: { status: 'failed', reason: 'raised', error: { message: 'no' } },
      hangs: { status: 'timed_out' },
    });
  });

  it('C 14. and 21. an event that comes twice runs nothing twice', async () => {
    await system.push('once', handler("await helpers.addConversationEvent('ran');"), { language: 'typescript' });
    const event = closedEvent();
    await system.run(event);
    await system.client.publish(event);
    if (!('conversation' in event)) throw new Error('the event has its conversation');
    expect((await getConversation(system.store.db, organization, event.conversation.id)).timeline).toHaveLength(1);
  });
});

describe('the context', () => {
  it('C 6. to 9. has every field, and browser_session only for web chat', async () => {
    const { result } = await runOne(handler('return context;'), { conversation: conversation() });
    expect(result).toMatchObject({
      args: { event_type: 'conversation_closed', attempt: 1 },
      conversation: {
        subject: 'Where is my order?',
        businessSlug: 'example-shop',
        messages: [
          { sender: 'customer', timestamp: '2026-01-05T10:00:00Z', content: 'Where is my order?', channel: 'email' },
          { sender: 'agent' },
        ],
      },
    });
    expect(result).not.toHaveProperty('browser_session');
    const web = conversation({ browserSession: { pageUrl: 'https://shop.example.com' } });
    expect((await runOne(handler('return context.browser_session;'), { conversation: web })).result).toMatchObject({
      pageUrl: 'https://shop.example.com',
    });
  });

  it('C 6. to 10. is the same as in Python', async () => {
    const event = closedEvent();
    await system.push('in-python', 'def handle_event(context):\n    return context\n');
    await system.push('in-typescript', handler('return context;'), { language: 'typescript' });
    const { 'in-python': python, 'in-typescript': typescript } = await system.run(event);
    const stripped = (result: unknown) => JSON.stringify(result).replaceAll(/[0-9a-f-]{36}/g, '');
    expect(stripped(typescript?.result)).toBe(stripped(python?.result));
  });

  it('C 10. may have no messages', async () => {
    const empty = conversation({ messages: [] });
    expect(
      (await runOne(handler('return context.conversation.messages.length;'), { conversation: empty })).result,
    ).toBe(0);
  });
});

describe('the end', () => {
  it('C 11. and 13. is a kill when the time is up, with the output so far', async () => {
    expect(await runOne(handler("console.log('before'); for (;;) {}"))).toMatchObject({
      status: 'timed_out',
      stdout: 'before\n',
      error: { type: 'Timeout' },
    });
  });

  it.each([
    [
      'an error',
      handler("throw new TypeError('no');"),
      'raised',
      'TypeError: no\n    at handleEvent (handler.ts:2:7)\n',
    ],
    ['a syntax error', 'const a: = 1;', 'syntax_error', 'handler.ts:1:10\n'],
    ['no entry point', 'export const other = 1;', 'no_entry_point', 'NoEntryPoint: '],
    ['a result that is not JSON', handler('return { big: 1n };'), 'not_json', 'result.big is of type bigint'],
  ])('C 12. by %s is logged with its stderr', async (_, code, reason, stderr) => {
    const execution = await runOne(code);
    expect(execution).toMatchObject({ status: 'failed', reason });
    expect(execution.stderr).toContain(stderr);
  });

  it('C 12. errors are retried, faults of the text are not', async () => {
    expect(await runOne(handler("throw new Error('no');"), {}, 2)).toMatchObject({ attempts: 2 });
    expect(await runOne('const a = ;', {}, 2)).toMatchObject({ attempts: 1 });
  });

  it('C 13. keeps result, stdout and stderr', async () => {
    const code = handler("console.log('out'); console.warn('err'); return { n: 1 };");
    expect(await runOne(code)).toMatchObject({ result: { n: 1 }, stdout: 'out\n', stderr: 'err\n' });
  });
});

describe('helpers', () => {
  it('C 15. refuse what Python’s refuse, with the same codes', async () => {
    const code = handler(`
      const codes: Record<string, unknown> = {};
      const attempt = async (name: string, call: () => Promise<unknown>) => {
        try { codes[name] = await call(); } catch (error: any) { codes[name] = error instanceof HelperError && error.code; }
      };
      await attempt('tag', () => helpers.addConversationTag('😀'.repeat(100)));
      await attempt('tag past', () => helpers.addConversationTag('a'.repeat(101)));
      await attempt('key past', () => helpers.setConversationMetadata('a'.repeat(201), 'v'));
      await attempt('unset', () => helpers.getConversationMetadata('none'));
      await attempt('delete', () => helpers.deleteConversationMetadata('none'));
      await attempt('options', () => helpers.llmClassifyCategory('p', 'i', ['one']));
      await attempt('country', () => helpers.isHoliday('XX'));
      await attempt('holiday', () => helpers.isHoliday('DE', null, null, '2026-12-25'));
      await attempt('fallback', () => helpers.llmClassifyBinary('p', { a: 1 }, false));
      return codes;`);
    expect((await runOne(code)).result).toMatchObject({
      tag: { success: true },
      'tag past': 'invalid_arguments',
      'key past': 'invalid_arguments',
      unset: null,
      delete: { success: false, message: 'Key not found' },
      options: 'invalid_arguments',
      country: 'invalid_arguments',
      holiday: true,
      fallback: false,
    });
  });

  it('C 16. share metadata with handlers in Python', async () => {
    const event = closedEvent();
    await system.push(
      'python',
      'def handle_event(context):\n    set_conversation_metadata(context, "who", "python")\n',
    );
    await system.run(event);
    await system.push('typescript', handler("return await helpers.getConversationMetadata('who');"), {
      language: 'typescript',
    });
    await setHandlerEnabled(system.store.db, organization, 'python', false);
    const { typescript } = await system.run({ ...event, id: `again-${randomUUID()}` });
    expect(typescript?.result).toBe('python');
  });

  it('C 17. are all named', async () => {
    const { result } = await runOne(
      handler('return (await helpers.listPredefinedFunctions()).map((f: any) => f.name);'),
    );
    expect(result).toEqual(helpers.map(({ name }) => camelCase(name)));
  });
});

describe('requests and examples', () => {
  it('C 22. sends requests that are recorded', async () => {
    const code = handler(`
      const response = await fetch('https://api.example.com/x', { method: 'POST', body: JSON.stringify({ a: 1 }) });
      return [response.status, await response.text()];`);
    const execution = await runOne(code);
    expect(execution).toMatchObject({ status: 'succeeded', result: [200, 'ok'] });
    expect(execution.calls).toMatchObject([{ name: 'POST https://api.example.com/x', n: 1, state: 'succeeded' }]);
    expect(upstream.received.map(({ method, body }) => [method, body.toString()])).toEqual([['POST', '{"a":1}']]);
  });

  it('C 22. runs the example that is shipped', async () => {
    const code = await readFile(join(packageRoot, 'examples', 'handlers', 'first_reply.ts'), 'utf8');
    const execution = await runOne(code);
    expect(execution).toMatchObject({ status: 'succeeded', result: { seconds: 300 } });
    const { metadata, timeline } = await getConversation(system.store.db, organization, execution.conversationId ?? '');
    expect(metadata).toEqual({ first_reply_seconds: '300' });
    expect(timeline).toMatchObject([{ type: 'first-reply' }]);
  });

  it('C 23. reaches no secret, no file and no private address', async () => {
    const code = handler(`
      const outcomes = [];
      for (const attempt of [() => (globalThis as any).Deno.env.get('DATABASE_URL'), () => (globalThis as any).process.env, () => fetch('http://127.0.0.1:1/')]) {
        try { outcomes.push('through: ' + await attempt()); } catch (error: any) { outcomes.push(error.name); }
      }
      return outcomes;`);
    expect((await runOne(code)).result).toEqual(['Error', 'Error', 'TypeError']);
  });
});
