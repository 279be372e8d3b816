import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { openKeyring } from '../secrets/open-keyring.ts';

const keyBytes = 32;

/** The configured key, else the one in AFTERWORD_HOME/secrets-key, which the first start makes. */
export function ensureSecretsKey({ home, secrets }: Pick<Config, 'home' | 'secrets'>): Keyring {
  if (secrets.keys.length > 0 || secrets.keyFile !== undefined) return openKeyring(secrets);
  const keyFile = join(home, 'secrets-key');
  makeKey(keyFile);
  return openKeyring({ keys: [], keyFile });
}

/** Never over one that is there: what it sealed could not be opened any more. */
function makeKey(file: string): void {
  try {
    writeFileSync(file, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    throw error;
  }
}
