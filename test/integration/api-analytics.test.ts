import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { AnalyticsCount, AnalyticsGroups, AnalyticsList } from '../../src/contract/analytics-query.ts';
import { limits } from '../../src/domain/limits.ts';
import { aPayload, registerEvents } from '../setup/registered-events.ts';
import { createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest();
  await registerEvents(api.store.db, 'parcels', events);
  await registerEvents(api.store.db, 'rival', [aPayload({ key: 'theirs' })]);
}, 120_000);
afterAll(() => api.close());

const events = [
  aPayload({ date: '2026-01-01T00:00:00Z', metadata: { topic: 'billing', human_support: true } }),
  aPayload({ date: '2026-01-02T10:00:00+02:00', value: 'unresolved', metadata: { topic: 'billing', n: 5 } }),
  aPayload({ date: '2026-01-03', key: 'weni_csat', value_type: 'INT', value: 5, metadata: { human_support: false } }),
  aPayload({ date: '2026-01-03T23:59:59.999999Z', key: 'weni_csat', value_type: 'int', value: 4, project: 'other' }),
  aPayload({ date: '2026-01-04T00:00:00Z', key: 'help', value_type: 'bool', value: true, contact_urn: 'tel:+2' }),
  aPayload({ date: '2026-01-05', key: '=1+1', value_type: 'list', value: ['a', 'b'], contact_urn: '+1 "two", 3' }),
];
const all = 'date_start=2026-01-01&date_end=2026-01-31';

const get = (path: string) => api.get(`/api/v1/analytics/${path}`);
const listed = async (query: string) =>
  AnalyticsList.parse((await get(`events?${query}`)).body).items.map(({ date, event }) => [
    date.slice(0, 10),
    event.value,
  ]);
const counted = async (query: string) => AnalyticsCount.parse((await get(`count?${query}`)).body).count;
const grouped = async (query: string) =>
  AnalyticsGroups.parse((await get(`groups?${query}`)).body).items.map(({ value, count }) => [value, count]);

describe('A 22. analytics events are asked for', () => {
  it('by a range of time, both ends within, newest first', async () => {
    expect(await listed(all)).toEqual([
      ['2026-01-05', ['a', 'b']],
      ['2026-01-04', true],
      ['2026-01-03', 4],
      ['2026-01-03', 5],
      ['2026-01-02', 'unresolved'],
      ['2026-01-01', 'resolved'],
    ]);
    expect(await counted('date_start=2026-01-03&date_end=2026-01-03')).toBe(2);
    expect(await counted('date_start=2026-01-03&date_end=2026-01-03T23:59:59.999998Z')).toBe(1);
    expect(await counted('date_start=2026-01-02T10:00:00%2B02:00&date_end=2026-01-02T08:00:00Z')).toBe(1);
    expect(await counted('date_start=2026-01-02T10:00:00+02:00&date_end=2026-01-02T08:00:00')).toBe(1);
    expect(await counted('date_start=2026-02-01&date_end=2026-02-02')).toBe(0);
  });

  test.each([
    ['project=other', 1],
    ['key=weni_csat', 2],
    ['key=theirs', 0],
    ['contact_urn=tel:%2B2', 1],
    ['value_type=Int', 2],
    ['value=unresolved', 1],
    ['value=5', 1],
    ['value=True', 1],
    [`value=${encodeURIComponent("['a', 'b']")}`, 1],
    ['metadata_key=topic', 2],
    ['metadata_key=topic&metadata_value=billing', 2],
    ['metadata_key=human_support&metadata_value=true', 1],
    ['metadata_key=human_support&metadata_value=False', 1],
    ['metadata_key=n&metadata_value=5', 1],
    ['metadata_key=n&metadata_value=6', 0],
    ['key=weni_csat&project=parcels&value=5', 1],
  ])('by %s: %i', async (filter, expected) => {
    expect(await counted(`${all}&${filter}`)).toBe(expected);
    expect(await listed(`${all}&${filter}`)).toHaveLength(expected);
  });

  it('in pages of ten', async () => {
    const page = AnalyticsList.parse((await get(`events?${all}&limit=2&offset=1`)).body);
    expect(page).toMatchObject({ limit: 2, offset: 1, items: [{ event: { value: true } }, { event: { value: 4 } }] });
    expect(page.items[0]).toMatchObject({ id: expect.any(String), executionId: expect.any(String) });
    expect((await get(`events?${all}`)).body).toMatchObject({ limit: 10, offset: 0 });
    expect((await get(`events?${all}&offset=100`)).body).toMatchObject({ items: [] });
  });

  it('in groups, the largest first', async () => {
    expect(await grouped(`${all}&group_by=key`)).toEqual([
      ['conversation_classification', 2],
      ['weni_csat', 2],
      ['=1+1', 1],
      ['help', 1],
    ]);
    expect(await grouped(`${all}&key=weni_csat`)).toEqual([
      ['4', 1],
      ['5', 1],
    ]);
    expect(await grouped(`${all}&group_by=topic`)).toEqual([['billing', 2]]);
    expect(await grouped(`${all}&group_by=metadata.human_support`)).toEqual([
      ['false', 1],
      ['true', 1],
    ]);
    expect(await grouped(`${all}&group_by=date&limit=1`)).toEqual([['2026-01-03', 2]]);
    expect((await get(`groups?${all}&group_by=date&limit=1&offset=4`)).body).toMatchObject({ total: 5, offset: 4 });
  });

  it('with limits: one past each is refused by name', async () => {
    const long = (characters: number) => 'x'.repeat(characters);
    const { analyticsFilterCharacters: most, analyticsPage, analyticsOffset } = limits;
    const good = `events?${all}&key=${long(most)}&limit=${String(analyticsPage)}&offset=${String(analyticsOffset)}`;
    expect((await get(good)).status).toBe(200);
    const bad = {
      'events?date_start=2026-01-01': ['date_end'],
      'events?date_start=yesterday&date_end=2026-13-01': ['date_start', 'date_end'],
      [`events?${all}&key=${long(most + 1)}`]: ['key'],
      [`events?${all}&limit=${String(analyticsPage + 1)}`]: ['limit'],
      [`events?${all}&limit=0&offset=-1`]: ['limit', 'offset'],
      [`events?${all}&offset=${String(analyticsOffset + 1)}`]: ['offset'],
      [`events?${all}&metadata_value=x`]: ['metadata_value'],
      [`events?${all}&keys=x`]: ['keys'],
      [`count?${all}&limit=1`]: ['limit'],
      [`groups?${all}&group_by=`]: ['group_by'],
      [`events?${all}&key=%00`]: ['key'],
      [`events?${all}&format=xml`]: ['format'],
    };
    for (const [path, fields] of Object.entries(bad)) {
      expect(fieldsOf(expectProblem(await get(path), 400, 'invalid_request')), path).toEqual(fields);
    }
  });
});

describe('as CSV', () => {
  const csv = async (path: string, accept?: string) => {
    const headers = { authorization: `Bearer ${api.key}`, ...(accept === undefined ? {} : { accept }) };
    const response = await api.app.request(`/api/v1/analytics/${path}`, { headers });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    return (await response.text()).split('\r\n');
  };

  it('come whole, a line each, and nothing that a spreadsheet would run', async () => {
    const [head, newest, ...others] = await csv(`events?${all}`, 'text/csv');
    expect(head).toBe('id,execution_id,moment,event_name,key,date,project,contact_urn,value_type,value,metadata');
    expect(newest).toMatch(
      /^[\da-f-]{36},[\da-f-]{36},2026-01-05T00:00:00\.000000Z,weni_nexus_data,'=1\+1,2026-01-05,parcels,"'\+1 ""two"", 3",list,"\['a', 'b'\]",\{\}$/u,
    );
    expect(others).toHaveLength(events.length - 1 + 1);
    expect(others.at(-1)).toBe('');
    expect(await csv(`events?${all}&format=csv&limit=2`)).toHaveLength(4);
    expect(await csv(`groups?${all}&group_by=key&format=csv`)).toEqual([
      'value,count',
      'conversation_classification,2',
      'weni_csat,2',
      "'=1+1,1",
      'help,1',
      '',
    ]);
    expect((await get(`events?${all}&format=json`)).headers.get('content-type')).toBe('application/json');
  });

  it('come in several pages without one lost or twice', async () => {
    const many = Array.from({ length: limits.analyticsPage }, (_, n) => aPayload({ key: 'many', value: n }));
    await registerEvents(api.store.db, 'parcels', many);
    await registerEvents(api.store.db, 'parcels', many.slice(0, 7));
    const lines = await csv(`events?${all}&key=many&format=csv`);
    expect(lines).toHaveLength(1 + 1_007 + 1);
    expect(new Set(lines).size).toBe(lines.length);
    const few = await csv(`events?${all}&key=many&format=csv&limit=1002&offset=3`.replace('1002', '1000'));
    expect(few.slice(1, -1)).toEqual(lines.slice(4, 1_004));
  });
});

describe('as the datalake’s client asks', () => {
  const ask = async (path: string, key: string | null = api.key) =>
    api.request('GET', `/api/v1/datalake/${path}`, {
      key: null,
      headers: key === null ? {} : { secretsaccesstoken: key },
    });

  it('they are lists, with metadata as text', async () => {
    const { body } = await ask(`events?project=parcels&${all}&key=conversation_classification&limit=1&whatever=1`);
    expect(body).toEqual([
      {
        event_name: 'weni_nexus_data',
        key: 'conversation_classification',
        date: '2026-01-02T08:00:00.000000Z',
        project: 'parcels',
        contact_urn: 'tel:+1',
        value_type: 'string',
        value: 'unresolved',
        metadata: '{"topic":"billing","n":5}',
      },
    ]);
    expect((await ask(`events?project=nobody&${all}`)).body).toEqual([]);
    expect((await ask(`events_count?project=parcels&${all}&table=weni_csat`)).body).toEqual([{ count: 1 }]);
    const groups = `events_count_by_group?project=parcels&${all}&metadata_key=topic`;
    expect((await ask(groups)).body).toEqual([
      { payload_value: 'resolved', count: 1 },
      { payload_value: 'unresolved', count: 1 },
    ]);
    expect((await ask(`${groups}&group_by=topic`)).body).toEqual([{ group_value: 'billing', count: 2 }]);
  });

  it('only with a key, and only for metrics that there are', async () => {
    expect((await ask(`events?${all}`, null)).status).toBe(401);
    expect((await ask(`events?${all}`, 'nonsense')).status).toBe(401);
    expect((await ask(`events?${all}`, api.rivalKey)).body).toMatchObject([{ key: 'theirs' }]);
    expectProblem(await ask(`traces?${all}`), 400, 'invalid_request');
  });
});
