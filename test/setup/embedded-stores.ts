import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openStore, type Store } from '../../src/store/database.ts';
import './provided.ts';

/** An embedded store in this folder, with the schema and nothing in it. */
export async function openEmbeddedStore(embeddedFolder: string): Promise<Store> {
  await cp(join(inject('embeddedTemplate'), 'data'), join(embeddedFolder, 'data'), { recursive: true });
  return await openStore({ embeddedFolder });
}
