import { describe, expect, it } from 'vitest';
import { contextJsonOf } from '../../src/activities/handler-context.ts';
import { limits } from '../../src/domain/limits.ts';
import type { BegunAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';

const conversation = {
  id: '0f9d1c0e-8a52-4d6f-9c39-0f5a3f0c2a11',
  publicId: 'ABC123',
  subject: 'Where is "my" order? 😀\u2028',
  businessSlug: 'example-shop',
  initialChannel: 'email',
  latestChannel: null,
};
const snapshot = { conversation, business: { name: 'Example shop', slug: 'example-shop' }, customer: null };
const messages = [
  { sender: 'customer', timestamp: '2026-01-05T10:00:00Z', content: 'Hi {"a": "]"}\n', channel: 'email' },
  { sender: 'agent', timestamp: '2026-01-05T10:05:00Z', content: '', channel: 'email', attachments: [{ url: 'x' }] },
];

function begun(more: Partial<BegunAttempt> = {}): BegunAttempt {
  return {
    kind: 'begun',
    attempt: 1,
    turn: 1,
    rootId: '0199a3f0-0000-7000-8000-000000000001',
    executionKind: 'event',
    event: {
      eventId: 'E-1',
      type: 'conversation_closed',
      occurredAt: new Date('2026-01-05T12:00:00+02:00'),
      actor: null,
    },
    contextJson: JSON.stringify(snapshot),
    messagesJson: JSON.stringify(messages),
    handlerName: 'summary',
    program: { language: 'python', code: '', settings: { attempts: 3 } },
    egress: {},
    userFailures: 0,
    lostInARow: 0,
    ...more,
  };
}

const contextOf = (attempt: BegunAttempt, number = 1): unknown => JSON.parse(contextJsonOf(attempt, number));

describe('the context a handler gets', () => {
  it('holds exactly the seed’s fields, with the messages inside the conversation', () => {
    expect(contextOf(begun())).toEqual({
      args: {
        event_type: 'conversation_closed',
        event_id: 'E-1',
        occurred_at: '2026-01-05T10:00:00.000Z',
        attempt: 1,
      },
      business: { name: 'Example shop', slug: 'example-shop' },
      customer: null,
      secrets: {},
      conversation: { ...conversation, messages },
    });
  });

  it('holds the secrets that it is granted', () => {
    const json = contextJsonOf(begun(), 1, { CRM_TOKEN: 'a "token"' });
    expect(JSON.parse(json)).toMatchObject({ secrets: { CRM_TOKEN: 'a "token"' } });
  });

  it('takes a customer that is nested as deeply as a publisher may nest it', () => {
    const deep = Array.from({ length: limits.jsonNesting }).reduce<unknown>((inner) => [inner], 'x');
    const contextJson = JSON.stringify({ ...snapshot, customer: { deep } });
    expect(contextOf(begun({ contextJson }))).toMatchObject({ customer: { deep } });
  });

  it('says which attempt it is, and who closed the conversation where that is known', () => {
    const attempt = begun({ event: { ...begun().event, actor: 'bot' } });
    expect(contextOf(attempt, 7)).toMatchObject({ args: { attempt: 7, actor: 'bot' } });
    expect(contextOf(begun())).not.toHaveProperty('args.actor');
  });

  it('has a browser session only for web chat', () => {
    const session = { url: 'https://shop.example/cart', userAgent: 'Firefox' };
    const webChat = begun({ contextJson: JSON.stringify({ ...snapshot, browser_session: session }) });
    expect(contextOf(webChat)).toMatchObject({ browser_session: session });
    expect(contextOf(begun())).not.toHaveProperty('browser_session');
  });

  it('has an empty list where there are no messages', () => {
    expect(contextOf(begun({ messagesJson: '[]' }))).toMatchObject({ conversation: { messages: [] } });
  });

  it('hands messages over as the text they were stored as', () => {
    const messagesJson = '[{"content":"1e400 is a number in JSON: ","big":12345678901234567890}]';
    expect(contextJsonOf(begun({ messagesJson }), 1)).toContain(messagesJson);
  });

  it('refuses a snapshot without a conversation', () => {
    expect(() => contextJsonOf(begun({ contextJson: '{"business":{}}' }), 1)).toThrow(/conversation/);
  });
});
