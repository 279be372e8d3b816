import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiKey } from '../store/api-keys.ts';
import type { Database } from '../store/database.ts';

export function adminKeyPath(home: string): string {
  return join(home, 'admin-key');
}

/**
 * The organisation's admin key: the configured one, else the one in the file, else a new one. It is registered in the
 * store and stands in the file afterwards, readable by this user only.
 */
export async function ensureAdminKey(
  db: Database,
  options: { home: string; organizationId: string; configured: string | undefined },
): Promise<string> {
  const file = adminKeyPath(options.home);
  const kept = readKey(file);
  const { key } = await createApiKey(db, options.organizationId, 'admin', {
    key: options.configured ?? kept,
    scopes: ['admin', 'operator'],
  });
  if (key !== kept) writeFileSync(file, `${key}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return key;
}

function readKey(file: string): string | undefined {
  try {
    const key = readFileSync(file, 'utf8').trim();
    return key === '' ? undefined : key;
  } catch {
    return undefined;
  }
}
