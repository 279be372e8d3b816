import type { HandlerFailure } from '../sandbox/sandbox.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { Masker } from '../secrets/masker.ts';
import type { Database } from '../store/database.ts';
import type { AttemptRef, BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import { loadLedger, type Ledger } from '../store/execution-ledger/calls.ts';
import { type CallPrivacy, callPrivacyOf } from './call-privacy.ts';
import { type HandlerSecrets, loadHandlerSecrets } from './handler-secrets.ts';
import { openLedger } from './opened-calls.ts';

/** What a run needs from the store beside what opening its attempt has read. */
export interface PreparedRun {
  readonly secrets: HandlerSecrets;
  /** Undefined where there is nothing to mask. */
  readonly masker: Masker | undefined;
  readonly privacy: CallPrivacy;
  readonly ledger: Ledger;
}

const emptyLedger: Ledger = { calls: [], made: { helperCalls: 0, requests: 0 } };

/** Throws where the key for something sealed is not here. */
export async function prepareRun(
  db: Database,
  keys: Keyring,
  ref: AttemptRef,
  begun: BegunAttempt,
): Promise<PreparedRun> {
  const secrets = await loadHandlerSecrets(db, keys, ref, begun);
  const hasRecord = ref.attempt > 1 || begun.rootId !== ref.executionId;
  const record = hasRecord ? await loadLedger(db, ref, begun.rootId) : emptyLedger;
  const { ledger, masks: masksOfRecord } = openLedger(keys, ref.organizationId, record);
  // What was a secret when an answer was recorded may stand in it still.
  const masks = [...masksOfRecord, ...secrets.masks];
  const masker = masks.length === 0 ? undefined : new Masker(masks);
  return { secrets, masker, privacy: callPrivacyOf(keys, ref.organizationId, masks, masker), ledger };
}

/** Of an attempt that was not begun: the same secret would be missing in the next one. */
export interface SecretMissing {
  readonly outcome: 'failed';
  readonly reason: 'secret_missing';
  readonly error: HandlerFailure;
  readonly events: readonly [];
  readonly runMs: 0;
}

export function secretMissing(names: readonly string[]): SecretMissing {
  const [first = ''] = names;
  const message =
    names.length === 1
      ? `The secret ${first}, which the handler's settings name, does not exist. ` +
        `Set it with \`afterword secrets set ${first}\`, then run this again.`
      : `The secrets ${names.join(', ')}, which the handler's settings name, do not exist. ` +
        'Set each with `afterword secrets set`, then run this again.';
  const error = { type: 'SecretMissing', message, traceback: '' };
  return { outcome: 'failed', reason: 'secret_missing', error, events: [], runMs: 0 };
}
