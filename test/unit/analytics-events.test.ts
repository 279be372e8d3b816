import { describe, expect, it } from 'vitest';
import { toMoment } from '../../src/domain/event-date.ts';
import { prepareEvent, type EventOrigin } from '../../src/analytics/prepare-event.ts';
import { wireTypeOf } from '../../src/analytics/value-type.ts';
import type { JsonObject, JsonValue } from '../../src/contract/json.ts';
import { analyticsStateOf } from '../../src/domain/analytics-states.ts';

const origin: EventOrigin = {
  project: 'example-shop',
  contactUrn: 'whatsapp:1',
  registeredAt: '2026-01-05T12:00:00.000Z',
  conversationUuid: 'c-1',
  conversationStartDate: '2026-01-05T10:00:00Z',
  conversationEndDate: '2026-01-05T11:00:00Z',
  agentUuid: 'h-1',
};
const nothing: EventOrigin = {
  ...origin,
  project: null,
  contactUrn: null,
  conversationUuid: null,
  conversationStartDate: null,
  conversationEndDate: null,
  agentUuid: null,
};
const event = { event_name: 'weni_nexus_data', key: 'k', date: '2026-01-05', value_type: 'string', value: 'v' };
const prepare = (more: JsonObject, from = origin) => prepareEvent({ ...event, metadata: {}, ...more }, null, from);
const reasonOf = (more: JsonObject, from = origin) => {
  const prepared = prepare(more, from);
  return prepared.state === 'rejected' ? prepared.reason : null;
};

describe('what an event does not say', () => {
  const metadata = {
    conversation_uuid: 'c-1',
    conversation_start_date: '2026-01-05T10:00:00Z',
    conversation_end_date: '2026-01-05T11:00:00Z',
    agent_uuid: 'h-1',
  };

  it('is filled in from the conversation', () => {
    expect(prepareEvent({ key: 'k', value_type: 'int', value: 1 }, null, origin)).toEqual({
      state: 'accepted',
      moment: '2026-01-05T12:00:00.000000Z',
      payload: {
        event_name: 'weni_nexus_data',
        key: 'k',
        date: '2026-01-05T12:00:00.000Z',
        project: 'example-shop',
        contact_urn: 'whatsapp:1',
        value_type: 'int',
        value: 1,
        metadata,
      },
    });
  });

  it.each(['project', 'contact_urn', 'date', 'key', 'value_type'])('is never written over what it says: %s', (name) => {
    const said = name === 'date' ? '2020-02-02' : 'said';
    expect(prepare({ [name]: said })).toMatchObject({ payload: { [name]: said } });
    expect(reasonOf({ [name]: '' })).toBe(`${name} cannot be empty`);
  });

  it.each(Object.keys(metadata))('is never written over metadata: %s', (name) => {
    for (const said of ['said', '', null, 0]) {
      expect(prepare({ metadata: { [name]: said, other: 1 } })).toMatchObject({
        payload: { metadata: { ...metadata, [name]: said, other: 1 } },
      });
    }
  });

  it('stays away where nothing is known', () => {
    expect(prepare({ project: 'p', contact_urn: 'u' }, nothing)).toMatchObject({ payload: { metadata: {} } });
    expect(prepare({ project: 'p', contact_urn: 'u' }, nothing)).toHaveProperty('payload.metadata', {});
    expect(reasonOf({}, nothing)).toBe('project cannot be empty, contact_urn cannot be empty');
  });
});

describe('a rejected event', () => {
  it.each<[JsonObject, string]>([
    [{ project: ' ' }, 'project cannot be empty'],
    [{ contact_urn: '\t\n' }, 'contact_urn cannot be empty'],
    [{ key: '' }, 'key cannot be empty'],
    [{ key: null }, 'key cannot be empty'],
    [{ key: 0 }, 'key cannot be empty'],
    [{ key: [] }, 'key cannot be empty'],
    [{ key: 5 }, 'key must be a string'],
    [{ key: ['k'] }, 'key must be a string'],
    [{ date: ' ' }, 'date cannot be empty'],
    [{ date: 5 }, 'date must be a string'],
    [{ date: 'yesterday' }, 'date cannot be understood: "yesterday" is not ISO 8601'],
    [{ value_type: '' }, 'value_type cannot be empty'],
    [{ value_type: true }, 'value_type must be a string'],
    [{ value: null }, 'value cannot be None'],
    [{ event_name: 'other' }, 'event_name must be "weni_nexus_data"'],
    [{ event_name: '' }, 'event_name must be "weni_nexus_data"'],
    [{ event_name: null }, 'event_name must be "weni_nexus_data"'],
    [{ metadata: [] }, 'metadata must be a dict'],
    [{ metadata: 'text' }, 'metadata must be a dict'],
    [{ extra: 1, more: 2 }, 'extra keys are not allowed: extra, more'],
    [
      { event_name: 'x', project: '', contact_urn: '', key: '', date: '', value_type: '', value: null },
      'project cannot be empty, contact_urn cannot be empty, key cannot be empty, date cannot be empty, ' +
        'value_type cannot be empty, value cannot be None, event_name must be "weni_nexus_data"',
    ],
  ])('%j: %s', (more, reason) => {
    expect(reasonOf(more)).toBe(reason);
  });

  it('lacks what it never said', () => {
    expect(prepareEvent({}, null, origin)).toEqual({
      state: 'rejected',
      reason: 'key cannot be empty, value_type cannot be empty, value cannot be None',
    });
  });

  it('says what was wrong with it before', () => {
    expect(prepareEvent({ ...event }, 'it was no JSON', origin)).toEqual({
      state: 'rejected',
      reason: 'it was no JSON',
    });
  });
});

describe('an accepted event', () => {
  it.each<[JsonValue]>([[0], [false], [''], [[]], [{}], [0.5], [['a', 1]]])('may have the value %j', (value) => {
    expect(prepare({ value })).toMatchObject({ state: 'accepted', payload: { value } });
  });

  it('may have null for metadata', () => {
    expect(prepare({ metadata: null })).toMatchObject({ payload: { metadata: { agent_uuid: 'h-1' } } });
  });

  it('loses the white space around its key, its project and its contact, not that of its date', () => {
    expect(prepare({ key: ' k ', project: ' p ', contact_urn: ' u ', date: ' 2026-01-05 ' })).toMatchObject({
      payload: { key: 'k', project: 'p', contact_urn: 'u', date: ' 2026-01-05 ' },
      moment: '2026-01-05T00:00:00.000000Z',
    });
  });
});

describe('a date', () => {
  it.each([
    ['2026-03-31T19:45:00.123456', '2026-03-31T19:45:00.123456Z'],
    ['2026-03-31T19:45:00Z', '2026-03-31T19:45:00.000000Z'],
    ['2026-03-31T19:45:00.5+02:00', '2026-03-31T17:45:00.500000Z'],
    ['2026-03-31', '2026-03-31T00:00:00.000000Z'],
    ['2026-01-01T00:30:00+01:00', '2025-12-31T23:30:00.000000Z'],
    ['2025-12-31T23:30:00-0100', '2026-01-01T00:30:00.000000Z'],
    ['2026-03-31 19:45', '2026-03-31T19:45:00.000000Z'],
    ['2024-02-29T00:00:00,1234567', '2024-02-29T00:00:00.123456Z'],
    ['0001-01-01', '0001-01-01T00:00:00.000000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000000Z'],
  ])('%s is %s', (text, moment) => {
    expect(toMoment(text)).toBe(moment);
  });

  it.each([
    ['', '2026', '2026-13-01', '2026-00-01', '2026-02-29', '2026-02-30', '2026-04-31', '31.03.2026', '2026-3-1'],
    ['2026-03-31T24:00:00', '2026-03-31T19:60', '2026-03-31T19:45:60', '2026-03-31T19', '2026-03-31T19:45:00.'],
    ['2026-03-31T19:45:00+24:00', '2026-03-31T19:45:00+01:60', '2026-03-31Z', '2026-03-31T19:45:00 UTC'],
    ['0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00', '0000-01-01', '1767225600', 'now'],
  ])('%s is none', (...texts) => {
    expect(texts.filter((text) => toMoment(text) !== null)).toEqual([]);
  });
});

describe('the type on the wire', () => {
  it.each([
    ['string', 'string'],
    ['INT', 'int'],
    ['Bool', 'bool'],
    ['lIST', 'list'],
    ['float', 'string'],
    ['', 'string'],
  ])('of %s is %s', (given, wire) => {
    expect(wireTypeOf(given)).toBe(wire);
  });
});

describe('the state of an accepted event', () => {
  it.each([
    [[], 'delivered'],
    [['delivered', 'delivered'], 'delivered'],
    [['delivered', 'pending'], 'pending'],
    [['dead', 'pending'], 'pending'],
    [['delivered', 'dead'], 'dead'],
  ] as const)('with deliveries %j is %s', (deliveries, state) => {
    expect(analyticsStateOf('accepted', deliveries)).toBe(state);
  });

  it('is its own where nothing is delivered', () => {
    expect(analyticsStateOf('rejected', [])).toBe('rejected');
    expect(analyticsStateOf('not_delivered', [])).toBe('not_delivered');
    expect(analyticsStateOf('test', [])).toBe('test');
  });
});
