import { randomUUID } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { connectAfterword } from '../../src/client.ts';

// Nobody listens there: an event that is not valid is refused before anything is contacted.
const client = connectAfterword({ organization: 'acme', address: '127.0.0.1:1' });
afterAll(() => client.close());

const conversation = { id: randomUUID(), publicId: 'P1', subject: 's', businessSlug: 'shop', messages: [] };
const event = { id: 'e1', type: 'conversation_closed', conversation };

it.each<[string, unknown, { code: string; message: RegExp }]>([
  [
    'without a conversation',
    { ...event, conversation: undefined },
    { code: 'invalid_request', message: /conversation: / },
  ],
  [
    'with two',
    { ...event, conversationId: conversation.id },
    { code: 'invalid_request', message: /conversationId: the event has a conversation too/ },
  ],
  [
    'of an unknown type',
    { ...event, type: 'conversation_forgotten' },
    { code: 'unknown_event_type', message: /"conversation_forgotten" is none of: conversation_closed/ },
  ],
  [
    'whose conversation has no UUID',
    { ...event, conversation: { ...conversation, id: 'seven' } },
    { code: 'invalid_request', message: /conversation\.id: expected a UUID/ },
  ],
  [
    'with an unknown field',
    { ...event, kind: 'closed' },
    { code: 'invalid_request', message: /kind: is not a known field/ },
  ],
  [
    'whose customer is nested beyond any stack',
    { ...event, conversation: { ...conversation, customer: { a: JSON.parse('['.repeat(9_000) + ']'.repeat(9_000)) } } },
    { code: 'invalid_request', message: /conversation\.customer\.a: is nested more than 200 levels deep/ },
  ],
  ['that is none', 'closed', { code: 'invalid_request', message: /expected one event, an object/ }],
  ['without id and time', { type: event.type, conversation }, { code: 'event_id_missing', message: /id/ }],
])('an event %s is refused with what is wrong and where', async (_, bad, { code, message }) => {
  // Publishers in JavaScript have no compiler that refuses these.
  const refused = await client
    .publish(bad as typeof event & { type: 'conversation_closed' })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ code });
  expect((refused as Error).message).toMatch(message);
});
