import { readFileSync } from 'node:fs';
import { ServiceAccountKey } from '../contract/credentials.ts';
import { AfterwordError } from '../domain/errors.ts';

export interface ServiceAccount {
  readonly email: string;
  readonly privateKey: string;
}

/** Reads the key of a service account. Throws `bad_configuration`, which never shows what was read. */
export function readServiceAccount(pathOrJson: string): ServiceAccount {
  const isJson = pathOrJson.startsWith('{');
  const text = isJson ? pathOrJson : readKeyFile(pathOrJson);
  const key = ServiceAccountKey.safeParse(parseJson(text));
  if (!key.success) {
    const what = isJson ? 'this JSON is not' : `${pathOrJson} does not hold`;
    throw bad(`${what} the key of a service account (type, client_email, private_key)`);
  }
  return { email: key.data.client_email, privateKey: key.data.private_key };
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw bad(`${path} cannot be read`, cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bad(why: string, cause?: unknown): AfterwordError {
  const message = `AFTERWORD_GOOGLE_CREDENTIALS: expected the JSON key of a service account or the path of its file; ${why}`;
  return new AfterwordError('bad_configuration', message, { cause });
}
