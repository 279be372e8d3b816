import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startApi, type TestApi } from '../setup/api.ts';
import { pythonWith } from '../setup/python-client.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';

/**
 * The Python client of Syllable as it is, against the running server; what it hides, and what the TypeScript client does
 * otherwise, by requests of our own: that one is not on npm.
 */

const Outcome = z.union([
  z.strictObject({
    answer: z.object({
      items: z.array(z.record(z.string(), z.unknown())),
      page: z.number(),
      page_size: z.number(),
      total_pages: z.number(),
      total_count: z.number(),
    }),
  }),
  z.strictObject({
    fault: z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string(), type: z.string() })),
  }),
  z.strictObject({ status: z.number(), body: z.string() }),
]);
type Outcome = z.infer<typeof Outcome>;
interface Call {
  readonly key?: string | null;
  readonly arguments: Record<string, unknown>;
}

const conversation = '0199a3f0-0000-7000-8000-000000000001';
const whole = {
  timestamp: '2026-03-01T10:00:00.250Z',
  session_id: 'session 1',
  conversation_id: 'conversation-1',
  source: 'tool-call',
  source_id: 'call-1',
  category: 'orders',
  type: 'order_found',
  user_id: '+18042221111',
  description: 'Found order 77, 50% off & more',
  attributes: { order: { id: 77, lines: [{ sku: 'A', paid: true, note: null }] }, list: [1, 'two', [3]] },
};
const bare = { timestamp: '2026-03-01T09:00:00Z' };
/** Of one moment, to be told apart by order alone. */
const ties = Array.from({ length: 30 }, (_, index) => ({
  timestamp: '2026-02-01T00:00:00Z',
  source: 'prompt 7',
  session_id: `tie ${String(index)}`,
}));

const calls = {
  plain: { arguments: {} },
  bareOnly: { arguments: { end_datetime: '2026-03-01T09:00:00Z', start_datetime: '2026-03-01T09:00:00Z' } },
  pageTwo: { arguments: { page: 2, limit: 10, search_fields: ['source'], search_field_values: ['prompt 7'] } },
  pastTheEnd: { arguments: { page: 3, limit: 10, search_fields: ['source'], search_field_values: ['prompt 7'] } },
  pair: { arguments: { search_fields: ['source', 'user_id'], search_field_values: ['tool-call', '+18042221111'] } },
  pairOfNone: { arguments: { search_fields: ['source', 'user_id'], search_field_values: ['prompt', '+18042221111'] } },
  comma: { arguments: { search_fields: ['description'], search_field_values: ['77, 50% OFF & more'] } },
  negativePage: { arguments: { page: -1 } },
  negativeLimit: { arguments: { limit: -5 } },
  unpaired: { arguments: { search_fields: ['source', 'type'], search_field_values: ['x'] } },
  badDate: { arguments: { start_datetime: 'last week' } },
  ascending: { arguments: { limit: 40, order_by: 'timestamp', order_by_direction: 'asc' } },
  descending: { arguments: { limit: 40, order_by: 'timestamp', order_by_direction: 'desc' } },
  offsets: {
    arguments: { start_datetime: '2026-03-01T11:00:00.250+01:00', end_datetime: '2026-03-01T05:00:00.250-05:00' },
  },
  fields: { arguments: { limit: 1, fields: ['type', 'user_id'], start_datetime: '2026-03-01T10:00:00Z' } },
  noLimit: { arguments: { limit: 0 } },
  noKey: { key: null, arguments: {} },
  badKey: { key: 'guess', arguments: {} },
} satisfies Record<string, Call>;

let system: TestSystem;
let api: TestApi;
let outcomes: Record<keyof typeof calls, Outcome>;
beforeAll(async () => {
  system = await startSystem();
  api = await startApi(system);
  await system.push(
    'notes',
    'def handle_event(context):\n    return add_conversation_event(context, "seen")["success"]\n',
  );
  const written = await api.request('POST', '/events/', [whole, bare, ...ties]);
  expect(written.status).toBe(201);
  outcomes = await outcomesOf(calls);
}, 120_000);
afterAll(async () => {
  await api.stop();
  await system.stop();
});

async function outcomesOf<Name extends string>(named: Record<Name, Call>): Promise<Record<Name, Outcome>> {
  const list = Object.values<Call>(named).map(({ key = api.key, arguments: given }) => ({ key, arguments: given }));
  const script = fileURLToPath(new URL('fixtures/syllable_calls.py', import.meta.url));
  const printed = await new Promise<string>((resolve, reject) => {
    const child = execFile(pythonWith('syllable-sdk'), [script, api.url], { env: {} }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr));
    });
    child.stdin?.end(JSON.stringify(list));
  });
  const parsed = z.array(Outcome).parse(JSON.parse(printed));
  return Object.fromEntries(Object.keys(named).map((name, index) => [name, parsed[index]])) as Record<Name, Outcome>;
}

function answerOf(name: keyof typeof calls) {
  const outcome = outcomes[name];
  if (!('answer' in outcome)) throw new Error(`${name}: ${JSON.stringify(outcome)}`);
  return outcome.answer;
}

async function raw(query: string, headers: Record<string, string> = { 'syllable-api-key': api.key }) {
  const response = await fetch(`${api.url}/api/v1/events/${query}`, { headers, redirect: 'error' });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: await response.json(),
  };
}

const Page = z.object({ items: z.array(z.record(z.string(), z.unknown())), total_count: z.number() });

describe('Syllable’s checklist', () => {
  test('1. all ten fields survive, and those that are null', async () => {
    // The client drops what it has no model of: attributes come out of it empty.
    const timestamp = '2026-03-01T10:00:00.250000Z'; // as Python prints it
    expect(answerOf('offsets').items).toEqual([{ ...whole, timestamp, attributes: {} }]);
    expect(answerOf('bareOnly').items[0]).toMatchObject({ source: null, description: null, attributes: null });
    const { items } = Page.parse((await raw('?search_fields=type&search_field_values=order_found')).body);
    expect(items).toEqual([whole]);
  });

  test('2. a timestamp is required, and always ends in Z', async () => {
    expect((await api.request('POST', '/events/', { type: 'x' })).status).toBe(422);
    const { items } = Page.parse((await raw('')).body);
    expect(items.filter(({ timestamp }) => !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(timestamp)))).toEqual([]);
  });

  test('3. every parameter is understood, in both encodings of a space', async () => {
    expect(answerOf('plain')).toMatchObject({ page: 0, page_size: 25, total_pages: 2, total_count: 32 });
    expect(answerOf('pageTwo')).toMatchObject({ page: 2, page_size: 10, total_pages: 3, total_count: 30 });
    for (const space of ['+', '%20']) {
      const { body } = await raw(`?search_fields=source&search_field_values=prompt${space}7&limit=1`);
      expect(body).toMatchObject({ total_count: 30 });
    }
  });

  test('4. pages count from 0; past the end there are no items and the right totals', () => {
    expect(answerOf('pageTwo').items).toHaveLength(10);
    expect(answerOf('pastTheEnd')).toEqual({ items: [], page: 3, page_size: 10, total_pages: 3, total_count: 30 });
    expect(answerOf('noLimit')).toMatchObject({ items: [], page_size: 0, total_count: 32 });
  });

  test('5. of several pairs all have to match', () => {
    expect(answerOf('pair')).toMatchObject({ total_count: 1 });
    expect(answerOf('pairOfNone')).toMatchObject({ total_count: 0 });
    expect(answerOf('comma')).toMatchObject({ total_count: 1 });
  });

  test('6. what is wrong is a list of faults that the client reads', async () => {
    expect(outcomes.negativePage).toMatchObject({ fault: [{ loc: ['query', 'page'] }] });
    expect(outcomes.negativeLimit).toMatchObject({ fault: [{ loc: ['query', 'limit'] }] });
    expect(outcomes.unpaired).toMatchObject({ fault: [{ loc: ['query', 'search_field_values'] }] });
    expect(outcomes.badDate).toMatchObject({ fault: [{ loc: ['query', 'start_datetime'] }] });
    for (const query of ['order_by=x', 'order_by_direction=x', 'fields=x', 'search_fields=x&search_field_values=x']) {
      expect(await raw(`?${query}`)).toMatchObject({ status: 422, type: 'application/json', body: { detail: [{}] } });
    }
  });

  test('7. up and down are each other backwards, those of one moment too', () => {
    const up = answerOf('ascending').items.map(({ timestamp, session_id }) => [timestamp, session_id]);
    const down = answerOf('descending').items.map(({ timestamp, session_id }) => [timestamp, session_id]);
    expect(up).toHaveLength(32);
    expect(down).toEqual(up.toReversed());
  });

  test('8. ranges take offsets, and both of their ends belong to them', () => {
    expect(answerOf('offsets')).toMatchObject({ total_count: 1 });
    expect(answerOf('bareOnly')).toMatchObject({ total_count: 1 });
  });

  test('9. whatever fields are asked for, the timestamp comes with them', async () => {
    expect(answerOf('fields').items).toEqual([
      { timestamp: '2026-03-01T10:00:00.250000Z', type: whole.type, user_id: whole.user_id },
    ]);
    const { items } = Page.parse((await raw('?limit=1&fields=type')).body);
    expect(Object.keys(items[0] ?? {}).sort()).toEqual(['timestamp', 'type']);
  });

  test('10. nested attributes come out as they went in', async () => {
    const { items } = Page.parse((await raw('?search_fields=attributes&search_field_values=%22paid%22:true')).body);
    expect(items).toMatchObject([{ attributes: whole.attributes }]);
  });

  test('11. no key and a bad key are refused', async () => {
    expect(outcomes.noKey).toMatchObject({ status: 401 });
    expect(outcomes.badKey).toMatchObject({ status: 401 });
    const answer = await raw('', {});
    expect(answer).toMatchObject({
      status: 401,
      type: 'application/json',
      body: { detail: expect.any(String) as string },
    });
    expect((await raw('?limit=1', { authorization: `Bearer ${api.key}` })).status).toBe(200);
  });

  test('12. a hyphen and a plus survive their encoding', () => {
    expect(answerOf('pair').items).toMatchObject([{ source: 'tool-call', user_id: '+18042221111' }]);
  });

  test('13. the TypeScript client sends its parameters by the alphabet, and takes only strict times', async () => {
    const query =
      '?end_datetime=2026-03-02T00%3A00%3A00.000Z&fields=timestamp&fields=user_id&limit=25&order_by=timestamp' +
      '&order_by_direction=asc&page=0&search_field_values=tool-call&search_field_values=%2B18042221111' +
      '&search_fields=source&search_fields=user_id&start_datetime=2026-03-01T00%3A00%3A00.000Z';
    const { items } = Page.parse((await raw(query)).body);
    expect(items).toEqual([{ timestamp: whole.timestamp, user_id: '+18042221111' }]);
    expect(z.iso.datetime({ offset: true }).safeParse(items[0]?.timestamp).success).toBe(true);
  });

  test('what a handler writes into the timeline is there', async () => {
    const { notes } = await system.run({
      conversation: { id: conversation, publicId: 'C-1', subject: '', businessSlug: 'shop', messages: [] },
    });
    expect(notes).toMatchObject({ status: 'succeeded', result: true });
    const { found } = await outcomesOf({
      found: { arguments: { search_fields: ['conversation_id'], search_field_values: [conversation] } },
    });
    expect(found).toMatchObject({
      answer: { total_count: 1, items: [{ description: 'seen', source: 'tool-call', source_id: notes?.id }] },
    });
  });
});
