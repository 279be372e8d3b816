import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openStore, type Store } from '../../src/store/database.ts';
import './provided.ts';

/** An embedded store in this folder, with the schema and nothing in it. */
export async function openEmbeddedStore(embeddedFolder: string): Promise<Store> {
  await copyEmbeddedStore(embeddedFolder);
  return await openStore({ embeddedFolder });
}

/** The files of one, for whoever opens it. */
export async function copyEmbeddedStore(embeddedFolder: string): Promise<void> {
  await cp(join(inject('embeddedTemplate'), 'data'), join(embeddedFolder, 'data'), { recursive: true });
}
