import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { closed, engines, errorOf, newOrganization, openStoreUnderTest } from './store-engines.ts';

describe.each(engines)('a full disk on %s', (engine) => {
  it('shows as disk_full, keeps nothing of what was begun, and all works again when there is space', async () => {
    const { store, dispose } = await openStoreUnderTest(engine);
    try {
      const org = await newOrganization(store.db);
      // What the server says when it cannot extend a file, raised at the last write of accepting an event.
      await sql`create function full_disk() returns trigger language plpgsql as $$ begin
        raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full';
      end $$`.execute(store.db);
      await sql`create trigger full_disk before insert on conversation_events execute function full_disk()`.execute(
        store.db,
      );
      const event = closed();
      const error = await errorOf(acceptEvent(store.db, org, event));
      expect(error).toMatchObject({ code: 'disk_full', entry: { httpStatus: 507, retryable: true } });
      expect((await sql`select 1 from conversations`.execute(store.db)).rows).toEqual([]);
      await sql`drop trigger full_disk on conversation_events`.execute(store.db);
      expect(await acceptEvent(store.db, org, event)).toMatchObject({ duplicate: false });
    } finally {
      await dispose();
    }
  });
});
