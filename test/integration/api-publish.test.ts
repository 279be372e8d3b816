import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PublishedEvent } from '../../src/contract/conversation-event.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { aConversation, anEvent, conversationId, createApiUnderTest } from './api-under-test.ts';
import type { ApiUnderTest } from './api-under-test.ts';

const events = '/api/v1/conversation-events';
const code = 'def handle_event(context):\n    return 1\n';

describe('publishing', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await createApiUnderTest();
    for (const name of ['b', 'a']) {
      await api.send('PUT', `/api/v1/handlers/${name}`, { eventType: 'conversation_closed', code });
    }
    await api.send('PUT', '/api/v1/handlers/off', { eventType: 'conversation_closed', code, enabled: false });
    await api.send('PUT', '/api/v1/handlers/other', { eventType: 'conversation_handed_off', code });
  });

  afterAll(async () => {
    await api.close();
  });

  test('stores the event and starts its workflow with the executions of the handlers that are on', async () => {
    const answer = await api.send('POST', events, anEvent());
    expect(answer.status).toBe(202);
    const published = PublishedEvent.parse(answer.body);
    expect(published).toMatchObject({ eventId: 'closing-1', duplicate: false });
    expect(published.workflowId).toMatch(/^conversation-event\/parcels\/[a-z2-7]{52}$/);

    const listed = await api.get(`${events}/${published.id}/executions`);
    const { items } = listed.body as { items: { id: string; handlerName: string; status: string }[] };
    expect(items.map(({ handlerName, status }) => [handlerName, status]).toSorted()).toEqual([
      ['a', 'waiting'],
      ['b', 'waiting'],
    ]);
    expect(api.started.at(-1)).toMatchObject({
      organizationId: 'parcels',
      id: published.id,
      type: 'conversation_closed',
      conversationId,
      workflowId: published.workflowId,
      executions: items
        .map(({ id, handlerName }) => ({ executionId: id, handlerName }))
        .toSorted((one, two) => one.handlerName.localeCompare(two.handlerName)),
    });
    expect((await api.get(`${events}/${published.id}`)).body).toMatchObject({
      id: published.id,
      eventId: 'closing-1',
      source: 'default',
      type: 'conversation_closed',
      conversationId,
      conversationPublicId: 'C-1',
      occurredAt: '2026-01-31T12:00:00.000Z',
      actor: null,
      status: 'running',
      claimed: false,
      runId: null,
    });
  });

  test('the same event again answers like the first, marked, and starts nothing', async () => {
    const first = PublishedEvent.parse((await api.send('POST', events, anEvent({ id: 'twice' }))).body);
    const starts = api.started.length;
    const again = await api.send('POST', events, anEvent({ id: 'twice' }));
    expect(again.status).toBe(202);
    expect(again.body).toEqual({ ...first, duplicate: true });
    expect(api.started).toHaveLength(starts);
  });

  test('twenty times the same event at once is one event', async () => {
    const starts = api.started.length;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.send('POST', events, anEvent({ id: 'at-once' }))),
    );
    const published = answers.map(({ body }) => PublishedEvent.parse(body));
    expect(published.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(published.map(({ id }) => id)).size).toBe(1);
    expect(api.started).toHaveLength(starts + 1);
  });

  test('without an id, the same moment in another time zone is the same event', async () => {
    const first = await api.send('POST', events, anEvent({ id: undefined, occurredAt: '2026-02-01T10:00:00Z' }));
    const again = await api.send(
      'POST',
      events,
      anEvent({ id: undefined, occurredAt: '2026-02-01T12:00:00.000+02:00' }),
    );
    expect([first.body, again.body]).toMatchObject([{ duplicate: false }, { duplicate: true }]);
  });

  test('an event may name a known conversation by id or public id', async () => {
    for (const [id, name] of [
      ['by-id', conversationId],
      ['by-public-id', 'C-1'],
    ] as const) {
      const event = { id, type: 'conversation_closed', conversationId: name, actor: 'bot' };
      const { body } = await api.send('POST', events, event);
      const published = PublishedEvent.parse(body);
      expect((await api.get(`${events}/${published.id}`)).body).toMatchObject({ conversationId, actor: 'bot' });
    }
  });

  test('an event for which no handler is on is accepted too', async () => {
    const answer = await api.send('POST', events, anEvent({ id: 'none', type: 'conversation_reopened' }));
    expect(answer.status).toBe(202);
    expect(api.started.at(-1)?.executions).toEqual([]);
  });

  test('keeps what a conversation has of emoji, scripts and control characters', async () => {
    const content = 'Grüße 🎈 مرحبا \u2028 \\u0041 "quoted" </script>\ttab';
    const messages = [{ sender: 'customer', timestamp: '2026-01-31T11:59:00Z', content, channel: 'whatsapp' }];
    const conversation = aConversation({ id: '0199a3f0-0000-7000-8000-00000000000b', publicId: 'C-🎈', messages });
    const answer = await api.send('POST', events, anEvent({ id: 'emoji', conversation }));
    expect(answer.status).toBe(202);
    const saved = await api.get('/api/v1/conversations/C-%F0%9F%8E%88');
    expect(saved.body).toMatchObject({ publicId: 'C-🎈', messages: [{ content }] });
  });

  test('lists events newest first in pages', async () => {
    const ids: string[] = [];
    let next: string | null = null;
    let pages = 0;
    do {
      const { body } = await api.get(`${events}?limit=3${next === null ? '' : `&before=${next}`}`);
      const page = body as { items: { id: string; receivedAt: string }[]; next: string | null };
      expect(page.items.length).toBeLessThanOrEqual(3);
      ids.push(...page.items.map(({ id }) => id));
      next = page.next;
      pages += 1;
    } while (next !== null && pages < 20);
    const all = (await api.get(events)).body as { items: { id: string; receivedAt: string }[]; next: null };
    expect(all.next).toBeNull();
    expect(ids).toEqual(all.items.map(({ id }) => id));
    const times = all.items.map(({ receivedAt }) => receivedAt);
    expect(times).toEqual(times.toSorted().toReversed());
  });

  describe('while Temporal is away', () => {
    test('events are accepted, and after the first nobody waits for it', async () => {
      let starts = 0;
      const away = api.connect(() => {
        starts += 1;
        return Promise.reject(new AfterwordError('temporal_unavailable', 'nobody answers at 127.0.0.1:1'));
      });
      for (let n = 0; n < 5; n++) {
        const answer = await away.send('POST', events, anEvent({ id: `away-${n}` }));
        expect(answer.status).toBe(202);
        expect(JSON.stringify(answer.body)).not.toContain('127.0.0.1');
      }
      expect(starts).toBe(1);
    });

    test('a Temporal that never answers holds nobody up for much more than a second', async () => {
      const away = api.connect(() => new Promise(() => undefined));
      const begin = performance.now();
      expect((await away.send('POST', events, anEvent({ id: 'hangs' }))).status).toBe(202);
      const firstMs = performance.now() - begin;
      expect(firstMs).toBeGreaterThan(900);
      expect(firstMs).toBeLessThan(4_000);
      await Promise.all(Array.from({ length: 10 }, (_, n) => away.send('POST', events, anEvent({ id: `hangs-${n}` }))));
      expect(performance.now() - begin - firstMs).toBeLessThan(1_000);
    });

    test('a start that fails in an unforeseen way is logged, and the event is accepted all the same', async () => {
      const away = api.connect(() => Promise.reject(new Error('a bug')));
      expect((await away.send('POST', events, anEvent({ id: 'bug' }))).status).toBe(202);
      expect(api.logLines.filter((line) => line.includes('a bug'))).toHaveLength(1);
    });
  });
});
