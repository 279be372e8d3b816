import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KnownEvents } from '../../src/api/known-events.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';

const conversationId = '0199a3f0-0000-7000-8000-0000000000ab';
const conversation = { id: conversationId, publicId: 'C-1', subject: 'A parcel', businessSlug: 'parcels' };
const closing = { id: 'closing-1', type: 'conversation_closed' };
const event = (change: object = {}) => ConversationEventInput.parse({ ...closing, conversation, ...change });
const named = (change: object = {}) => ConversationEventInput.parse({ ...closing, conversationId, ...change });
const known = {
  id: '0199a3f0-0000-7000-8000-000000000001',
  eventId: 'closing-1',
  workflowId: 'conversation-event/parcels/a',
  type: 'conversation_closed',
  conversationId,
  handlers: 2,
};

let events: KnownEvents;
beforeEach(() => {
  vi.useFakeTimers();
  events = new KnownEvents();
  events.remember('parcels', 'default', known);
});
afterEach(() => {
  vi.useRealTimers();
});

test('finds an event by its conversation and by the id of that, however it is spelt', () => {
  expect(events.find('parcels', event())).toBe(known);
  expect(events.find('parcels', named())).toBe(known);
  expect(events.find('parcels', named({ conversationId: conversationId.toUpperCase() }))).toBe(known);
});

test.each([
  ['another organisation', 'rival', event()],
  ['another source', 'parcels', event({ source: 'shop' })],
  ['another id', 'parcels', event({ id: 'closing-2' })],
  ['another type', 'parcels', event({ type: 'conversation_reopened' })],
  ['another conversation', 'parcels', named({ conversationId: '0199a3f0-0000-7000-8000-0000000000ac' })],
  ['a public id, which only the store knows', 'parcels', named({ conversationId: 'C-1' })],
])('leaves to the store what comes for %s', (_, organization, input) => {
  expect(events.find(organization, input)).toBeUndefined();
});

test('an event without an id is known by its time, and by neither it is refused', () => {
  const occurredAt = '2026-01-31T12:00:00.000Z';
  const eventId = `conversation_closed/${conversationId}/${occurredAt}`;
  events.remember('parcels', 'default', { ...known, eventId });
  expect(events.find('parcels', event({ id: undefined, occurredAt }))).toMatchObject({ eventId });
  expect(() => events.find('parcels', event({ id: undefined }))).toThrow('neither "id" nor "occurredAt"');
});

test('forgets after a minute, and all at once when it is told to', () => {
  vi.advanceTimersByTime(59_999);
  expect(events.find('parcels', event())).toBe(known);
  vi.advanceTimersByTime(1);
  expect(events.find('parcels', event())).toBeUndefined();
  events.remember('parcels', 'default', known);
  events.forget();
  expect(events.find('parcels', event())).toBeUndefined();
});

test('remembers 10,000, and the oldest goes for one more', () => {
  for (let n = 1; n < 10_000; n += 1) events.remember('parcels', 'default', { ...known, eventId: String(n) });
  expect(events.find('parcels', event())).toBe(known);
  events.remember('parcels', 'default', { ...known, eventId: 'one more' });
  expect(events.find('parcels', event())).toBeUndefined();
  expect(events.find('parcels', event({ id: '1' }))).toBeDefined();
});
