import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { anEvent, createApiUnderTest, type ApiUnderTest } from './api-under-test.ts';
import { linkTo, type BreakableLink } from './breakable-link.ts';

const events = '/api/v1/conversation-events';
let api: ApiUnderTest;
let line: BreakableLink;

beforeAll(async () => {
  api = await createApiUnderTest('postgres', async (databaseUrl) => {
    const url = new URL(databaseUrl);
    line = await linkTo({ host: url.hostname, port: Number(url.port) });
    url.port = String(line.port);
    return url.href;
  });
});
afterAll(async () => {
  await api.close();
  await line.break();
});

/** As a replica that took over before it had heard of it. */
async function loseEvents(): Promise<void> {
  for (const table of ['executions', 'conversation_events', 'messages', 'conversations']) {
    await sql`delete from ${sql.table(table)}`.execute(api.store.db);
  }
}

test('a repeat is answered without the store, until a connection to it is lost', async () => {
  const first = (await api.send('POST', events, anEvent())).body;
  expect(first).toMatchObject({ duplicate: false });
  await loseEvents();
  expect((await api.send('POST', events, anEvent())).body).toEqual({ ...(first as object), duplicate: true });

  await line.break();
  await line.mend();
  await vi.waitFor(async () => {
    const { status, body } = await api.send('POST', events, anEvent());
    expect([status, body]).toMatchObject([202, { eventId: 'closing-1', duplicate: false }]);
  });
});
