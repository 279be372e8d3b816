import { describe, expect, it } from 'vitest';
import { AfterwordError } from '../../src/domain/errors.ts';
import { base32, eventIdOf, workflowIdOf } from '../../src/domain/event-key.ts';

const conversationId = '0f9d1c0e-8a52-4d6f-9c39-0f5a3f0c2a11';
const closed = { type: 'conversation_closed' };

describe('the event id', () => {
  it('is the publisher’s where there is one, whatever else is given', () => {
    expect(eventIdOf({ ...closed, id: ' E-1 ' }, conversationId)).toBe(' E-1 ');
    expect(eventIdOf({ ...closed, id: 'E-1', occurredAt: '2026-01-05T10:00:00Z' }, conversationId)).toBe('E-1');
  });

  it('is made from type, conversation and time otherwise', () => {
    expect(eventIdOf({ ...closed, occurredAt: '2026-01-05T10:00:00.007Z' }, conversationId)).toBe(
      `conversation_closed/${conversationId}/2026-01-05T10:00:00.007Z`,
    );
  });

  it.each([
    '2026-01-05T10:00:00Z',
    '2026-01-05T10:00:00.000Z',
    '2026-01-05T12:00:00+02:00',
    '2026-01-05T05:00:00.0-05:00',
    '2026-01-05T10:00:00.0004Z',
  ])('is the same for every way to write one instant to the millisecond: %s', (occurredAt) => {
    expect(eventIdOf({ ...closed, occurredAt }, conversationId)).toBe(
      eventIdOf({ ...closed, occurredAt: '2026-01-05T10:00:00Z' }, conversationId),
    );
  });

  it('differs by type, by conversation and by a millisecond', () => {
    const occurredAt = '2026-01-05T10:00:00Z';
    const ids = [
      eventIdOf({ ...closed, occurredAt }, conversationId),
      eventIdOf({ type: 'conversation_handed_off', occurredAt }, conversationId),
      eventIdOf({ ...closed, occurredAt }, '0f9d1c0e-8a52-4d6f-9c39-0f5a3f0c2a12'),
      eventIdOf({ ...closed, occurredAt: '2026-01-05T10:00:00.001Z' }, conversationId),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is refused where neither id nor time is given: a repeat could not be told from a new event', () => {
    expect(() => eventIdOf(closed, conversationId)).toThrow(
      expect.objectContaining({ constructor: AfterwordError, code: 'event_id_missing' }),
    );
  });
});

describe('the workflow id', () => {
  it('is the same for the same event, today and in every later release', () => {
    expect(workflowIdOf('example', 'default', 'E-1')).toBe(
      'conversation-event/example/2wtn7bef5jagw3o7w74mws2y2blklixcminxgr4bzmiwqfmruq3q',
    );
  });

  it('differs by organisation, by source, by event id and by where one ends and the other begins', () => {
    const ids = [
      workflowIdOf('example', 'default', 'E-1'),
      workflowIdOf('example2', 'default', 'E-1'),
      workflowIdOf('example', 'defaultE', '-1'),
      workflowIdOf('example', 'default","E-1', ''),
      workflowIdOf('example', 'default', 'e-1'),
      workflowIdOf('example', 'default', 'E-1 '),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows nothing of the event and stays short, since workflow ids are visible to all', () => {
    const id = workflowIdOf('example', 'crm', `jane.doe@example.com ${'x'.repeat(200)}`);
    expect(id).toMatch(/^conversation-event\/example\/[a-z2-7]{52}$/);
  });
});

describe('base32', () => {
  it.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ])('writes %j as RFC 4648 does, lower case and without padding', (text, encoded) => {
    expect(base32(Buffer.from(text))).toBe(encoded);
  });

  it('writes bytes with the highest bit set', () => {
    expect(base32(Uint8Array.of(255, 255, 255, 255, 255))).toBe('77777777');
  });
});
