import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnalyticsEvent } from '../../src/contract/analytics.ts';
import { ExecutionDetail } from '../../src/contract/execution.ts';
import { useHandlers } from '../integration/spine-system.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { closedEvent, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';

let system: TestSystem;
let api: TestApi;
beforeAll(async () => {
  system = await startSystem();
  api = await startApi(system);
});
afterAll(async () => {
  await api.stop();
  await system.stop();
});

const imports = `
from weni import Tool
from weni.context import Context
from weni.events.event import Event
from weni.responses import TextResponse
`;

/** A tool whose `execute` has this body. */
function tool(body: string): string {
  const lines = body.trim().split('\n');
  return `${imports}
class MyTool(Tool):
    def execute(self, context: Context):
${lines.map((line) => `        ${line}`).join('\n')}
        return TextResponse(data="done")
`;
}

/** The arguments of an Event in full, as Python; what is named is changed, null leaves it out. */
function eventOf(changed: Record<string, string | null> = {}): string {
  const fields: Record<string, string | null> = {
    event_name: '"weni_nexus_data"',
    key: '"k"',
    value_type: '"string"',
    value: '"v"',
    ...changed,
  };
  const given = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  return `Event(${given.join(', ')})`;
}

const registering = (...events: readonly string[]) =>
  tool(events.map((event) => `self.register_event(${event})`).join('\n'));

/** Runs these handlers for one event; one attempt each. */
async function run(handlers: Record<string, string>, event?: Partial<EventInput>) {
  const once = Object.entries(handlers).map(([name, code]) => [name, { code, attempts: 1 }] as const);
  await useHandlers(system, Object.fromEntries(once));
  return system.run(event);
}

async function runOne(code: string, event?: Partial<EventInput>): Promise<ExecutionDetail> {
  const { one } = await run({ one: code }, event);
  if (one === undefined) throw new Error('it did not run');
  return one;
}

const keysOf = (execution: ExecutionDetail | undefined) =>
  execution?.analyticsEvents.map(({ registered }) => registered.key);
const statesOf = (execution: ExecutionDetail | undefined) =>
  execution?.analyticsEvents.map(({ state, reason }) => (reason === null ? state : `${state}: ${reason}`));

async function onlyEvent(code: string): Promise<AnalyticsEvent> {
  const { analyticsEvents, error } = await runOne(code);
  const [event] = analyticsEvents;
  if (event === undefined || analyticsEvents.length !== 1) throw new Error(`no one event: ${error?.message ?? ''}`);
  return event;
}

describe('A 1 to 4. an event as it is registered', () => {
  test('A 1. the six keys, their exact values and their order', async () => {
    const { registered } = await onlyEvent(
      registering(eventOf({ metadata: '{"customer": "C", "n": [1, None]}', date: '"2026-03-31T19:45:00.000000"' })),
    );
    expect(JSON.stringify(registered)).toBe(
      '{"event_name":"weni_nexus_data","key":"k","date":"2026-03-31T19:45:00.000000","value_type":"string","value":"v",' +
        '"metadata":{"customer":"C","n":[1,null]}}',
    );
  });

  test('A 2. its metadata are {} where none are given', async () => {
    expect((await onlyEvent(registering(eventOf()))).registered).toMatchObject({ metadata: {} });
  });

  test('A 3. its date is now, within 5 s, where none is given', async () => {
    const before = Date.now();
    const { registered, date } = await onlyEvent(registering(eventOf()));
    expect(date?.slice(0, -1)).toBe(registered.date);
    expect(Math.abs(Date.parse(date ?? '') - before)).toBeLessThan(5_000);
  });

  test('A 4. a given date is kept verbatim', async () => {
    const given = '2026-03-31T19:45:00+02:00';
    const event = await onlyEvent(registering(eventOf({ date: `"${given}"` })));
    expect(event).toMatchObject({ registered: { date: given }, event: { date: given } });
    expect(event.date).toBe('2026-03-31T17:45:00.000000Z');
  });
});

describe('A 5. an event without a required argument', () => {
  test.each(['event_name', 'key', 'value_type', 'value'])('A 5. without %s fails', async (name) => {
    expect(await runOne(registering(eventOf({ [name]: null })))).toMatchObject({
      status: 'failed',
      reason: 'raised',
      error: { type: 'TypeError', message: expect.stringContaining(`'${name}'`) },
      analyticsEvents: [],
    });
  });
});

test('A 6. two events keep their order', async () => {
  const execution = await runOne(registering(eventOf({ key: '"first"' }), eventOf({ key: '"second"' })));
  expect(keysOf(execution)).toEqual(['first', 'second']);
  expect(execution.analyticsEvents).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
});

describe('A 7 and 8. isolation between executions', () => {
  const code = tool(`
own = context.parameters["subject"]
self.register_event(${eventOf({ key: 'own' })})
Event.register(${eventOf({ key: '"legacy " + own' })})`);
  const eventAbout = (subject: string): Partial<EventInput> => {
    const { conversation } = closedEvent() as Extract<EventInput, { conversation: unknown }>;
    return { conversation: { ...conversation, subject } };
  };

  test('A 7. of a hundred in a row each has only its own events', async () => {
    await useHandlers(system, { one: code });
    for (let n = 0; n < 100; n += 1) {
      const { one } = await system.run(eventAbout(`run ${String(n)}`));
      expect(keysOf(one)).toEqual([`legacy run ${String(n)}`, `run ${String(n)}`]);
    }
  }, 120_000);

  test('A 8. fifty at once do not mix', async () => {
    await useHandlers(system, { one: code });
    const subjects = Array.from({ length: 50 }, (_, n) => `run ${String(n)}`);
    const ran = await Promise.all(subjects.map((subject) => system.run(eventAbout(subject))));
    expect(ran.map(({ one }) => keysOf(one))).toEqual(subjects.map((subject) => [`legacy ${subject}`, subject]));
  }, 60_000);
});

describe('A 9. a tool that fails', () => {
  const fails = tool(`
self.register_event(${eventOf({ key: '"own"' })})
Event.register(${eventOf({ key: '"legacy"' })})
if context.parameters["subject"] == "fail":
    raise ValueError("no")`);
  const { conversation } = closedEvent() as Extract<EventInput, { conversation: unknown }>;

  test('A 9. delivers none of its events, which are shown as not delivered; the next one is clean', async () => {
    const failed = await runOne(fails, { conversation: { ...conversation, subject: 'fail' } });
    expect(failed).toMatchObject({ status: 'failed', error: { type: 'ValueError' } });
    expect(keysOf(failed)).toEqual(['legacy', 'own']);
    expect(failed.analyticsEvents).toMatchObject([
      { state: 'not_delivered', event: null, deliveries: [] },
      { state: 'not_delivered', event: null, deliveries: [] },
    ]);
    expect(statesOf((await system.run()).one)).toEqual(['delivered', 'delivered']);
  });

  test('A 9. that succeeds at the second attempt delivers those of the second', async () => {
    await useHandlers(system, {
      again: `${imports}
def handle_event(context):
    register_event({"key": "k", "value_type": "int", "value": context["args"]["attempt"]})
    if context["args"]["attempt"] == 1:
        raise ValueError("once")`,
    });
    const { again } = await system.run();
    expect(again?.analyticsEvents).toMatchObject([
      { attempt: 1, state: 'not_delivered', registered: { value: 1 } },
      { attempt: 2, state: 'delivered', registered: { value: 2 } },
    ]);
  });
});

describe('A 10 and 11. the legacy way', () => {
  const legacy = `Event.register(${eventOf({ key: '"legacy"' })})`;

  test.each([
    ['a tool', tool(`${legacy}\n${legacy}`)],
    ['a plain handler', `${imports}\ndef handle_event(context):\n    ${legacy}\n    ${legacy}`],
  ])('A 10. works in %s and warns once', async (_, code) => {
    const execution = await runOne(code);
    expect(statesOf(execution)).toEqual(['delivered', 'delivered']);
    expect(execution.stderr.split('DeprecationWarning')).toHaveLength(2);
    expect(execution.stderr).toMatch(/will be removed.*self\.register_event/);
  });

  test('A 11. comes first, whatever was called first', async () => {
    const own = `self.register_event(${eventOf({ key: '"own"' })})`;
    expect(keysOf(await runOne(tool(`${own}\n${legacy}\n${own}`)))).toEqual(['legacy', 'own', 'own']);
    const plain = `register_event(${eventOf({ key: '"own"' })})`;
    const code = `${imports}\ndef handle_event(context):\n    ${plain}\n    ${legacy}`;
    expect(keysOf(await runOne(code))).toEqual(['legacy', 'own']);
  });
});

describe('A 12 to 14 and 18. validation', () => {
  test('A 12. a wrong event_name is rejected, its siblings are delivered', async () => {
    const wrong = eventOf({ event_name: '"order_placed"' });
    expect(statesOf(await runOne(registering(eventOf(), wrong, eventOf())))).toEqual([
      'delivered',
      'rejected: event_name must be "weni_nexus_data"',
      'delivered',
    ]);
  });

  test('A 13. blank texts and no value: the exact messages, joined', async () => {
    const plain = (...events: string[]) =>
      `def handle_event(context):\n${events.map((event) => `    register_event(${event})`).join('\n')}`;
    const full =
      '"key": "k", "value_type": "string", "value": "v", "date": "2026-01-05", "project": "p", "contact_urn": "u"';
    const names = ['project', 'contact_urn', 'key', 'date', 'value_type'];
    const blank = names.map((name) => `{${full}, "${name}": " \\t"}`);
    const all = `{"value": None, ${names.map((name) => `"${name}": ""`).join(', ')}}`;
    expect(statesOf(await runOne(plain(...blank, `{${full}, "value": None}`, all)))).toEqual([
      ...names.map((name) => `rejected: ${name} cannot be empty`),
      'rejected: value cannot be None',
      `rejected: ${names.map((name) => `${name} cannot be empty`).join(', ')}, value cannot be None`,
    ]);
  });

  test('A 14. 0, False and "" are values', async () => {
    const values = ['0', 'False', '""', '[]'];
    const { analyticsEvents } = await runOne(registering(...values.map((value) => eventOf({ value }))));
    expect(analyticsEvents.map(({ state, event }) => [state, event?.value])).toEqual([
      ['delivered', 0],
      ['delivered', false],
      ['delivered', ''],
      ['delivered', []],
    ]);
  });

  test('A 18. an extra key is refused', async () => {
    const extra =
      'def handle_event(context):\n    register_event({"key": "k", "value_type": "int", "value": 1, "other": 2})';
    expect(statesOf(await runOne(extra))).toEqual(['rejected: extra keys are not allowed: other']);
  });

  test('A 13. what is not JSON is rejected with its place, its siblings are delivered', async () => {
    const bad = eventOf({ metadata: '{"at": __import__("datetime").date(2026, 1, 5)}' });
    expect(statesOf(await runOne(registering(bad, eventOf())))).toEqual([
      expect.stringMatching(/^rejected: event\['metadata'\]\['at'\] is of type date/),
      'delivered',
    ]);
  });
});

describe('A 15. what is missing is filled in from the conversation', () => {
  test('A 15. and never over what is there', async () => {
    const code = `
def handle_event(context):
    register_event({"key": "filled", "value_type": "int", "value": 1})
    register_event({
        "event_name": "weni_nexus_data", "key": "said", "value_type": "int", "value": 1, "date": "2020-02-02",
        "project": "p", "contact_urn": "u", "metadata": {
            "conversation_uuid": "", "conversation_start_date": None, "conversation_end_date": 0, "agent_uuid": "a"},
    })
    return context["args"]["occurred_at"]`;
    const execution = await runOne(code);
    const { conversationId, conversationPublicId, handlerId, analyticsEvents } = execution;
    const occurredAt = z.iso.datetime().parse(execution.result);
    expect(analyticsEvents.map(({ event }) => event)).toEqual([
      {
        event_name: 'weni_nexus_data',
        key: 'filled',
        date: expect.any(String),
        project: 'example-shop',
        contact_urn: `conversation:${conversationPublicId ?? ''}`,
        value_type: 'int',
        value: 1,
        metadata: {
          conversation_uuid: conversationId,
          conversation_start_date: '2026-01-05T10:00:00Z',
          conversation_end_date: occurredAt,
          agent_uuid: handlerId,
        },
      },
      {
        event_name: 'weni_nexus_data',
        key: 'said',
        date: '2020-02-02',
        project: 'p',
        contact_urn: 'u',
        value_type: 'int',
        value: 1,
        metadata: {
          conversation_uuid: '',
          conversation_start_date: null,
          conversation_end_date: 0,
          agent_uuid: 'a',
        },
      },
    ]);
    expect(Math.abs(Date.parse(analyticsEvents[0]?.date ?? '') - Date.now())).toBeLessThan(10_000);
  });

  test.each([
    [{ urn: 'whatsapp:1', phone: '2', email: 'e@example.com' }, 'whatsapp:1'],
    [{ phone: '+351 2', email: 'e@example.com' }, '+351 2'],
    [{ urn: ' ', email: 'e@example.com' }, 'e@example.com'],
  ])('A 15. the contact of %j is %s', async (customer, urn) => {
    const { conversation } = closedEvent() as Extract<EventInput, { conversation: unknown }>;
    const execution = await runOne(tool(`self.register_event(${eventOf({ value: 'context.contact["urn"]' })})`), {
      conversation: { ...conversation, customer },
    });
    expect(execution.analyticsEvents[0]?.event).toMatchObject({ contact_urn: urn, value: urn });
  });
});

test('A 17. the four forms of a date normalise; one that cannot be read is rejected with its reason', async () => {
  const dates = [
    '2026-03-31T19:45:00.123456',
    '2026-03-31T19:45:00Z',
    '2026-03-31T19:45:00-03:00',
    '2026-03-31',
    'yesterday',
  ];
  const { analyticsEvents } = await runOne(registering(...dates.map((date) => eventOf({ date: `"${date}"` }))));
  expect(analyticsEvents.map(({ date, reason }) => date ?? reason)).toEqual([
    '2026-03-31T19:45:00.123456Z',
    '2026-03-31T19:45:00.000000Z',
    '2026-03-31T22:45:00.000000Z',
    '2026-03-31T00:00:00.000000Z',
    'date cannot be understood: "yesterday" is not ISO 8601',
  ]);
});

describe('A 19. the complete example of the documentation', () => {
  const example = readFileSync(new URL('../../examples/handlers/classify_conversation.py', import.meta.url), 'utf8');
  const about = (...contents: string[]): Partial<EventInput> => {
    const { conversation } = closedEvent() as Extract<EventInput, { conversation: object }>;
    const message = { sender: 'customer', timestamp: '2026-01-05T10:00:00Z', channel: 'email' } as const;
    return {
      conversation: {
        ...conversation,
        customer: { urn: 'whatsapp:+5511999999999' },
        messages: [
          ...contents.map((content) => ({ ...message, content })),
          { ...message, sender: 'agent', content: 'I can help' },
        ],
      },
    };
  };

  test.each([
    ['HELP me', 'unresolved'],
    ['i need hElP', 'unresolved'],
    ['thanks, bye', 'resolved'],
  ])('A 19. %s is %s', async (message, classification) => {
    const execution = await runOne(example, about('help, at first', message));
    expect(execution).toMatchObject({ status: 'succeeded', result: { classification, message } });
    expect(execution.analyticsEvents).toMatchObject([
      {
        state: 'delivered',
        event: {
          key: 'conversation_classification',
          value: classification,
          metadata: { contact_urn: 'whatsapp:+5511999999999', message_preview: message },
        },
      },
    ]);
  });

  test('A 19. the preview has at most 100 characters', async () => {
    const message = '😀é'.repeat(80);
    const { analyticsEvents } = await runOne(example, about(message));
    const { message_preview } = analyticsEvents[0]?.event?.metadata ?? {};
    expect(message_preview).toBe('😀é'.repeat(50));
  });

  test('A 19. a contact without urn is ""', async () => {
    await useHandlers(system, { classify: { code: example, enabled: false } });
    const { body } = await api.request('POST', '/tools/classify/invocations', { parameters: { message: 'Help' } });
    expect(body).toMatchObject({
      result: { result: { classification: 'unresolved', message: 'Help' } },
      events: [{ metadata: { contact_urn: '', message_preview: 'Help' } }],
    });
  });
});

describe('A 21. a test run', () => {
  const Rows = z.array(z.unknown());

  test('A 21. sends nothing, and shows what it would have sent', async () => {
    const { conversation } = closedEvent() as Extract<EventInput, { conversation: { id: string } }>;
    await api.request('PUT', `/conversations/${conversation.id}`, conversation);
    const delivered = await system.store.db.selectFrom('analytics_deliveries').select('event_id').execute();
    const { body } = await api.request('POST', '/test-runs', {
      conversation: conversation.id,
      eventType: 'conversation_closed',
      code: registering(eventOf(), eventOf({ event_name: '"other"' })),
    });
    expect(ExecutionDetail.parse(body)).toMatchObject({
      kind: 'test',
      status: 'succeeded',
      analyticsEvents: [
        { state: 'test', event: { project: 'example-shop', key: 'k' }, deliveries: [] },
        { state: 'rejected', reason: 'event_name must be "weni_nexus_data"' },
      ],
    });
    const after = await system.store.db.selectFrom('analytics_deliveries').select('event_id').execute();
    expect(Rows.parse(after)).toHaveLength(delivered.length);
  });
});
