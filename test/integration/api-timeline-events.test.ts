import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventFault, EventPage, timelineFields, type ListedEvent } from '../../src/contract/timeline-event.ts';
import { limits } from '../../src/domain/limits.ts';
import { sumUpCounts } from '../../src/store/timeline-event-counts.ts';
import { createApiUnderTest, type Answer, type ApiUnderTest } from './api-under-test.ts';

const path = '/api/v1/events/';
const count = 2_400;
const at = (index: number) => new Date(Date.UTC(2026, 0, 1) + Math.floor(index / 3) * 137_000).toISOString();

/** Over three days, three of each moment. */
const seeded = Array.from({ length: count }, (_, index) => ({
  timestamp: at(index),
  session_id: `session-${String(Math.floor(index / 20))}`,
  conversation_id: index % 2 === 0 ? null : `conversation-${String(index % 97)}`,
  source: index % 3 === 0 ? 'tool-call' : `Prompt_${String(index % 4)}`,
  source_id: null,
  category: index % 5 === 0 ? null : '100% sure',
  type: index < 7 ? 'Rare' : `type-${String(index % 6)}`,
  user_id: '+18042221111',
  description: `Event ${String(index)} – größer`,
  attributes: { index, nested: { list: [1, 'two', null], 'k\u0000': '\u0000' } },
}));

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest();
  for (let from = 0; from < count; from += limits.eventsPerRequest) {
    const answer = await api.send('POST', path, seeded.slice(from, from + limits.eventsPerRequest));
    expect(answer.status).toBe(201);
  }
});
afterAll(() => api.close());

async function page(query = '', as?: string): Promise<EventPage> {
  const answer = await api.get(`${path}${query}`, as);
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.headers.get('content-type')).toBe('application/json');
  return EventPage.parse(answer.body);
}

function expectFault(answer: Answer, loc: (string | number)[]): string {
  expect(answer.status).toBe(422);
  expect(answer.headers.get('content-type')).toBe('application/json');
  const { detail } = EventFault.parse(answer.body);
  expect(detail[0]?.loc).toEqual(loc);
  return detail[0]?.msg ?? '';
}

describe('a page of timeline events', () => {
  test('has the newest first, 25 of them, and says how many there are; with and without the last slash', async () => {
    const first = await page();
    expect(first).toMatchObject({ page: 0, page_size: 25, total_pages: count / 25, total_count: count });
    expect(first.items).toHaveLength(25);
    expect(first.items[0]?.timestamp).toBe(at(count - 1));
    expect(new Set(first.items.slice(0, 3).map(({ description }) => description))).toEqual(
      new Set(seeded.slice(-3).map(({ description }) => description)),
    );
    expect((await api.get('/api/v1/events')).body).toEqual(first);
  });

  test('past the end is empty, of no items too, both with the right totals', async () => {
    expect(await page('?page=96')).toEqual({ items: [], page: 96, page_size: 25, total_pages: 96, total_count: count });
    expect(await page('?limit=0')).toEqual({ items: [], page: 0, page_size: 0, total_pages: 0, total_count: count });
    expect(await page('?page=999999999')).toMatchObject({ items: [], total_count: count });
  });

  test('holds at most 1,000', async () => {
    const atMost = limits.timelineEventsPerPage;
    expect((await page(`?limit=${String(atMost)}`)).items).toHaveLength(atMost);
    const more = await page(`?limit=${String(atMost + 1)}`);
    expect(more).toMatchObject({ page_size: atMost, total_pages: 3 });
    expect(more.items).toHaveLength(atMost);
  });

  test('keeps the timestamp whatever fields are asked for', async () => {
    const { items } = await page('?limit=1&fields=type&fields=user_id');
    expect(Object.keys(items[0] ?? {}).sort()).toEqual(['timestamp', 'type', 'user_id']);
  });

  test('is found by texts that hold what patterns and URLs use, and by attributes', async () => {
    const total = async (field: string, value: string) =>
      (await page(`?limit=1&search_field_values=${value}&search_fields=${field}`)).total_count;
    expect(await total('category', '100%25')).toBe(seeded.filter(({ category }) => category !== null).length);
    expect(await total('category', '1__%25')).toBe(0);
    expect(await total('source', 'prompt_')).toBe(seeded.filter(({ source }) => source !== 'tool-call').length);
    expect(await total('user_id', '%2B18042221111')).toBe(count);
    expect(await total('description', 'EVENT+77%20')).toBe(1);
    expect(await total('description', 'GR%C3%96SSER')).toBe(0);
    expect(await total('attributes', '%22index%22:77,')).toBe(1);
    expect(await total('timestamp', '2026-01-02T0')).toBe(
      seeded.filter(({ timestamp }) => timestamp.startsWith('2026-01-02T0')).length,
    );
  });

  test('is found by long texts that begin the same, beside another', async () => {
    const alike = 'alike '.repeat(20);
    const texts = [`${alike}first`, `${alike}second`, `${alike}second`];
    const long = texts.map((source) => ({ timestamp: '2027-01-01T00:00:00Z', source, type: 'long' }));
    expect((await api.send('POST', path, long)).status).toBe(201);
    const pairs = (source: string) =>
      `?search_fields=source&search_field_values=${source}&search_fields=type&search_field_values=long`;
    const totals = [];
    for (const source of ['first', 'second', 'alike', 'third']) totals.push((await page(pairs(source))).total_count);
    await api.store.db.deleteFrom('timeline_events').where('type', '=', 'long').execute();
    expect(totals).toEqual([1, 2, 3, 0]);
  });

  test('is nobody else’s', async () => {
    expect(await page('', api.rivalKey)).toMatchObject({ items: [], total_count: 0 });
  });

  const texts = [
    'tool',
    'PROMPT_',
    'prompt_1',
    'rare',
    'type-3',
    'e',
    '100%',
    'session-11',
    'event 12',
    'nothing',
    '',
  ].concat(['2026-01-0', '2026-01-02t1', '2026-02', '2026-4', 'T01:3', '02', 'z']);
  const queries = fc.record({
    pairs: fc.array(fc.tuple(fc.constantFrom(...timelineFields.slice(0, -1)), fc.constantFrom(...texts)), {
      maxLength: 2,
    }),
    from: fc.option(fc.integer({ min: -100, max: count + 100 }), { nil: undefined }),
    to: fc.option(fc.integer({ min: -100, max: count + 100 }), { nil: undefined }),
    direction: fc.constantFrom('asc', 'desc'),
    page: fc.integer({ min: 0, max: 60 }),
    limit: fc.constantFrom(1, 7, 40),
  });

  test('is what a plain look over all of them finds, whatever is asked', async () => {
    await fc.assert(
      fc.asyncProperty(queries, async ({ pairs, from, to, direction, page: number, limit }) => {
        const query = new URLSearchParams({
          page: String(number),
          limit: String(limit),
          order_by_direction: direction,
        });
        for (const [field, text] of pairs) {
          query.append('search_fields', field);
          query.append('search_field_values', text);
        }
        if (from !== undefined) query.set('start_datetime', at(from).replace('Z', '+00:00'));
        if (to !== undefined) query.set('end_datetime', at(to));
        const expected = seeded
          .filter((event) =>
            pairs.every(([field, text]) => {
              const value: unknown = event[field];
              return typeof value === 'string' && value.toLowerCase().includes(text.toLowerCase());
            }),
          )
          .filter(({ timestamp }) => from === undefined || timestamp >= at(from))
          .filter(({ timestamp }) => to === undefined || timestamp <= at(to));
        if (direction === 'desc') expected.reverse();
        const found = await page(`?${query.toString()}`);
        expect(found.total_count).toBe(expected.length);
        const times = (events: readonly ListedEvent[]) => events.map(({ timestamp }) => timestamp);
        expect(times(found.items)).toEqual(times(expected.slice(number * limit, (number + 1) * limit)));
      }),
      { numRuns: 120 },
    );
  }, 60_000);

  test.each(['asc', 'desc'])('comes %s in a stable order, whatever it is ordered by', async (direction) => {
    for (const field of timelineFields) {
      const pages: ListedEvent[] = [];
      for (let number = 0; number < 4; number += 1) {
        const query = `?limit=50&page=${String(number)}&order_by=${field}&order_by_direction=${direction}`;
        pages.push(...(await page(query)).items);
      }
      expect(new Set(pages.map(({ description }) => description)).size).toBe(200);
      const whole = await page(`?limit=200&order_by=${field}&order_by_direction=${direction}`);
      expect(pages).toEqual(whole.items);
    }
  });

  test('says the same when its counts have been summed up, and after events were deleted', async () => {
    const rows = async () =>
      (await api.store.db.selectFrom('timeline_event_counts').select('n').where('summed', '=', false).execute()).length;
    for (let n = 0; n < 700; n += 1) {
      await api.send('POST', path, {
        timestamp: `2025-12-${String((n % 20) + 10)}T00:00:00Z`,
        source: 'crowd',
        type: 'x',
      });
    }
    expect(await rows()).toBeGreaterThan(2_000);
    expect(await page('?limit=1')).toMatchObject({ total_count: count + 700 });
    expect(await rows()).toBe(0);
    const crowd = '?limit=1&search_fields=source&search_field_values=crowd';
    expect(await page(crowd)).toMatchObject({ total_count: 700 });
    await api.store.db.deleteFrom('timeline_events').where('source', '=', 'crowd').execute();
    await sumUpCounts(api.store.db, 'parcels');
    expect(await page(crowd)).toMatchObject({ total_count: 0, items: [] });
    expect(await page('?limit=1')).toMatchObject({ total_count: count });
  }, 60_000);
});

describe('a query that is wrong', () => {
  test.each([
    ['page=-1', ['query', 'page']],
    ['page=x', ['query', 'page']],
    ['limit=-5', ['query', 'limit']],
    ['limit=2.5', ['query', 'limit']],
    ['order_by=id', ['query', 'order_by']],
    ['order_by_direction=up', ['query', 'order_by_direction']],
    ['fields=id', ['query', 'fields', 0]],
    ['search_fields=nothing&search_field_values=x', ['query', 'search_fields', 0]],
    ['search_fields=type', ['query', 'search_field_values']],
    ['search_fields=type&search_field_values=a&search_field_values=b', ['query', 'search_field_values']],
    ['search_fields=type&search_field_values=%00', ['query', 'search_field_values', 0]],
    ['start_datetime=yesterday', ['query', 'start_datetime']],
    ['start_datetime=2026-02-30T00:00:00Z', ['query', 'start_datetime']],
    ['end_datetime=2026-01-01T25:00:00Z', ['query', 'end_datetime']],
    ['end_datetime=2026-01-01T00:00:00+02:00', ['query', 'end_datetime']],
    ['end_datetime=', ['query', 'end_datetime']],
  ])('%s is told where', async (query, loc) => {
    expect(expectFault(await api.get(`${path}?${query}`), loc)).not.toBe('');
  });

  test('takes times in every usual form', async () => {
    for (const from of ['2026-01-02', '2026-01-02T00:00', '2026-01-02 00:00:00', '2026-01-02T02:00:00%2B02:00']) {
      const expected = seeded.filter(({ timestamp }) => timestamp >= '2026-01-02').length;
      expect(await page(`?limit=1&start_datetime=${from}`), from).toMatchObject({ total_count: expected });
    }
  });

  test('passes over parameters that are unknown', async () => {
    expect(await page('?limit=1&tenant=x')).toMatchObject({ total_count: count });
  });

  test('without a key, or with a bad one, is 401 with a text', async () => {
    for (const headers of [{}, { 'Syllable-API-Key': 'guess' }]) {
      const answer = await api.request('GET', path, { key: null, headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.body).toMatchObject({ detail: expect.any(String) as string, code: 'unauthorized' });
    }
  });
});

describe('writing', () => {
  test('one answers it; the same id again answers the first, whatever comes with it', async () => {
    const event = { id: 'ours-1', timestamp: '2024-01-01T02:00:00+02:00', description: 'first', attributes: { a: 1 } };
    const written = await api.send('POST', path, event);
    expect(written.status).toBe(201);
    expect(written.body).toMatchObject({
      ...event,
      timestamp: '2024-01-01T00:00:00.000Z',
      duplicate: false,
      type: null,
    });
    const again = await api.send('POST', '/api/v1/events', { ...event, description: 'second' });
    expect(again.body).toEqual({ ...(written.body as object), duplicate: true });
    expect(await api.send('POST', path, event, api.rivalKey)).toMatchObject({ body: { duplicate: false } });
    expect(await page('?end_datetime=2024-12-31')).toMatchObject({ total_count: 1, items: [{ description: 'first' }] });
  });

  test('a list answers each, an id that comes twice as one event', async () => {
    const event = { id: 'ours-2', timestamp: '2024-02-01T00:00:00Z' };
    const answer = await api.send('POST', path, [
      event,
      { timestamp: event.timestamp },
      event,
      { ...event, id: 'ours-1' },
    ]);
    const { items } = answer.body as { items: { id: string; duplicate: boolean; description: string | null }[] };
    expect(items.map(({ duplicate }) => duplicate)).toEqual([false, false, true, true]);
    expect(items[3]).toMatchObject({ id: 'ours-1', description: 'first' });
    expect(await page('?start_datetime=2024-02-01&end_datetime=2024-02-02')).toMatchObject({ total_count: 2 });
  });

  test('twenty times the same at once is one event', async () => {
    const event = { id: 'at-once', timestamp: '2024-03-01T00:00:00Z' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.send('POST', path, event)));
    const duplicates = answers.map(({ body }) => (body as { duplicate: boolean }).duplicate);
    expect(duplicates.filter((duplicate) => !duplicate)).toHaveLength(1);
  });

  test.each<[string, unknown, (string | number)[]]>([
    ['no timestamp', {}, ['body', 'timestamp']],
    ['a timestamp without an offset', { timestamp: '2026-01-01T00:00:00' }, ['body', 'timestamp']],
    ['a number', 3, ['body']],
    ['an empty list', [], ['body']],
    ['an unknown field', { timestamp: at(0), kind: 'x' }, ['body', 'kind']],
    ['attributes that are a list', { timestamp: at(0), attributes: [] }, ['body', 'attributes']],
    [
      'a session that is a number',
      [{ timestamp: at(0) }, { timestamp: at(0), session_id: 3 }],
      ['body', 1, 'session_id'],
    ],
    ['a NUL', { timestamp: at(0), description: 'a\u0000' }, ['body', 'description']],
    [
      'a description that is too long',
      { timestamp: at(0), description: 'x'.repeat(limits.timelineDescriptionCharacters + 1) },
      ['body', 'description'],
    ],
    ['an id that is too long', { timestamp: at(0), id: 'x'.repeat(limits.idCharacters + 1) }, ['body', 'id']],
    ['too many', Array.from({ length: limits.eventsPerRequest + 1 }, () => ({ timestamp: at(0) })), ['body']],
    ['too much', { timestamp: at(0), attributes: { a: 'x'.repeat(limits.timelineEventBytes) } }, ['body']],
  ])('%s is refused, and nothing is written', async (_what, body, loc) => {
    const before = (await page('?limit=0')).total_count;
    expectFault(await api.send('POST', path, body), loc);
    expect((await page('?limit=0')).total_count).toBe(before);
  });

  test('takes texts of 1,000 characters, also where they are indexed, and 64 KB in all', async () => {
    const long = Array.from({ length: 1_000 }, (_, index) => String.fromCodePoint(0x1_f000 + index))
      .join('')
      .slice(0, 1_000);
    const texts = { source: long, category: long, type: long, session_id: long, description: long };
    const event = { timestamp: at(0), ...texts, attributes: { a: '' } };
    event.attributes.a = 'x'.repeat(limits.timelineEventBytes - Buffer.byteLength(JSON.stringify(event)));
    expect((await api.send('POST', path, event)).status).toBe(201);
  });

  test('what is no JSON is told so in the same shape', async () => {
    const headers = { 'content-type': 'application/json' };
    expectFault(await api.request('POST', path, { body: '{', headers }), ['body']);
  });
});
