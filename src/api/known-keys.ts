import { createHash } from 'node:crypto';
import { findKey, noteKeyUsed, type KnownKey } from '../store/api-keys.ts';
import type { Database } from '../store/database.ts';

/** A key revoked elsewhere works for at most this much longer. */
const rememberedMs = 3_000;
const keysRemembered = 10_000;
const useNotedMs = 60_000;

export interface KnownKeys {
  /** undefined for an unknown or revoked key. */
  find(key: string): Promise<KnownKey | undefined>;
  /** Whether it was good not long ago: then it is no guess. */
  wasGood(key: string): boolean;
  /** At once, of a key that was revoked here. */
  forget(keyId: string): void;
  /** Writes down that it is used, sometimes and later: nobody waits for it, and nobody hears that it failed. */
  noteUse(keyId: string): void;
}

interface Remembered {
  readonly known: KnownKey;
  readonly until: number;
}

/** Good keys only: guesses must not push them out. By hash, so that a memory dump shows no key. */
export function createKnownKeys(db: Database): KnownKeys {
  const remembered = new Map<string, Remembered>();
  const noted = new Map<string, number>();
  return {
    async find(key) {
      const hash = hashOf(key);
      const before = remembered.get(hash);
      if (before !== undefined && Date.now() < before.until) return before.known;
      const known = await findKey(db, key);
      remembered.delete(hash);
      if (known === undefined) return undefined;
      remembered.set(hash, { known, until: Date.now() + rememberedMs });
      dropOldest(remembered);
      return known;
    },
    wasGood: (key) => remembered.has(hashOf(key)),
    forget(keyId) {
      for (const [hash, { known }] of remembered) if (known.keyId === keyId) remembered.delete(hash);
    },
    noteUse(keyId) {
      const now = Date.now();
      if (now < (noted.get(keyId) ?? 0)) return;
      noted.delete(keyId);
      noted.set(keyId, now + useNotedMs);
      dropOldest(noted);
      noteKeyUsed(db, keyId).catch(() => undefined);
    },
  };
}

function dropOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > keysRemembered && oldest !== undefined) map.delete(oldest);
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
