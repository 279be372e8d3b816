import { JsonObject } from '../contract/json.ts';
import { StoredToolNamespaces } from '../contract/tool-context.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { type Mask, maskOfSecret, masksOfCredentials } from '../secrets/masker.ts';
import type { Database } from '../store/database.ts';
import type { AttemptRef, BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import { sealedSecrets } from '../store/secrets.ts';

/** What an attempt is given beside its context. */
export interface HandlerSecrets {
  /** By name: those that the handler's settings grant. */
  readonly values: Readonly<Record<string, string>>;
  /** Of a tool: the same, and over them what it was invoked with. */
  readonly credentials: JsonObject;
  readonly masks: readonly Mask[];
  /** Granted, and not there. */
  readonly missing: readonly string[];
}

const none: HandlerSecrets = { values: {}, credentials: {}, masks: [], missing: [] };

/** A handler that is granted none costs no statement. Throws where the key for one is not here. */
export async function loadHandlerSecrets(
  db: Database,
  keys: Keyring,
  ref: AttemptRef,
  begun: BegunAttempt,
): Promise<HandlerSecrets> {
  const names = begun.program.settings.secrets ?? [];
  const given = begun.executionKind === 'tool' ? invokedWith(keys, ref, begun) : {};
  if (names.length === 0 && Object.keys(given).length === 0) return none;
  const sealed = names.length === 0 ? new Map<string, string>() : await sealedSecrets(db, ref.organizationId, names);
  const values: Record<string, string> = {};
  for (const name of names) {
    const text = sealed.get(name);
    if (text !== undefined) values[name] = keys.open(text, ['secret', ref.organizationId, name]);
  }
  return {
    values,
    credentials: { ...values, ...given },
    masks: [...Object.entries(values).map(([name, value]) => maskOfSecret(name, value)), ...masksOfCredentials(given)],
    missing: names.filter((name) => !sealed.has(name)),
  };
}

function invokedWith(keys: Keyring, { organizationId, executionId }: AttemptRef, begun: BegunAttempt): JsonObject {
  const stored = StoredToolNamespaces.parse(JSON.parse(begun.contextJson));
  const { credentials, sealedCredentials } = stored;
  if (sealedCredentials === undefined) return credentials;
  const opened = keys.open(sealedCredentials, ['credentials', organizationId, executionId]);
  return JsonObject.parse(JSON.parse(opened));
}
