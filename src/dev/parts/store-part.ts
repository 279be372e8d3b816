import { join } from 'node:path';
import { openStore } from '../../store/database.ts';
import type { Store } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { ensureOrganization } from '../../store/organizations.ts';
import { ensureAdminKey } from '../admin-key.ts';
import type { PartOptions } from './part-options.ts';

export const exampleOrganization = { id: 'example', name: 'Example Organisation' } as const;

/** The store with its schema, the example organisation and its admin key. */
export async function openStorePart({ config, screen, closing }: PartOptions): Promise<{
  readonly store: Store;
  readonly adminKey: string;
}> {
  const { home, databaseUrl, databasePoolSize } = config;
  const store = await openStore({ databaseUrl, embeddedFolder: join(home, 'store'), poolSize: databasePoolSize });
  closing.add('store', () => store.close());
  const applied = await migrate(store);
  await ensureOrganization(store.db, exampleOrganization);
  const adminKey = await ensureAdminKey(store.db, {
    home,
    organizationId: exampleOrganization.id,
    configured: config.adminKey,
  });
  const kind = store.kind === 'embedded' ? 'Embedded store' : 'PostgreSQL';
  screen.step(`${kind}, schema ${applied.length === 0 ? 'up to date' : `migrated: ${applied.join(', ')}`}`);
  return { store, adminKey };
}
