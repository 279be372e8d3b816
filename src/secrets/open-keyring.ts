import { readFileSync, statSync } from 'node:fs';
import { AfterwordError } from '../domain/errors.ts';
import { secretsKeysOf } from '../domain/secrets-keys.ts';
import { createKeyring, type Keyring } from './keyring.ts';

export interface KeyringSettings {
  /** Of 32 bytes each. */
  readonly keys: readonly Buffer[];
  /** A file that holds them as the variable does; a line each where there are several. */
  readonly keyFile: string | undefined;
}

/** Without any key it answers one that opens and seals nothing. Throws `bad_configuration` for a file that cannot be used. */
export function openKeyring({ keys, keyFile }: KeyringSettings): Keyring {
  if (keyFile === undefined) return createKeyring(keys);
  if (keys.length > 0) throw badFile('set AFTERWORD_SECRETS_KEY or AFTERWORD_SECRETS_KEY_FILE, not both.');
  return createKeyring(keysIn(keyFile));
}

function keysIn(file: string): Buffer[] {
  const keys = secretsKeysOf(readOwn(file).trim().split(/\s+/u).join(','));
  if (keys !== undefined) return keys;
  throw badFile(`${file} does not hold the base64 of 32 bytes, as \`openssl rand -base64 32\` makes it.`);
}

/** Checked before it is read: whoever may read the file may read every secret. */
function readOwn(file: string): string {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0) {
      const now = (mode & 0o777).toString(8);
      throw badFile(`others may read ${file} (its mode is ${now}): run \`chmod 600 ${file}\`.`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof AfterwordError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw badFile(`${file} cannot be read: ${reason}.`, error);
  }
}

function badFile(message: string, cause?: unknown): AfterwordError {
  return new AfterwordError('bad_configuration', `AFTERWORD_SECRETS_KEY_FILE: ${message}`, { cause });
}
