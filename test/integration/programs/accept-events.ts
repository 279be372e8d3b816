/** Owns the embedded store in the folder given and accepts events for ever; prints each event's id once it is safe. */
import { randomUUID } from 'node:crypto';
import { acceptEvent } from '../../../src/store/conversation-events.ts';
import { openStore } from '../../../src/store/database.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { ensureOrganization } from '../../../src/store/organizations.ts';

const [, , embeddedFolder = ''] = process.argv;
const store = await openStore({ embeddedFolder });
await migrate(store);
await ensureOrganization(store.db, { id: 'example', name: 'Example' });
for (;;) {
  const accepted = await acceptEvent(store.db, 'example', {
    id: randomUUID(),
    source: 'default',
    type: 'conversation_closed',
    conversation: { id: randomUUID(), publicId: randomUUID(), subject: '', businessSlug: 'shop', messages: [] },
  });
  process.stdout.write(`${accepted.id}\n`);
}
