import { z } from 'zod';
import type { JsonObject } from '../contract/json.ts';
import { JsonValue } from '../contract/json.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { type Mask, Masker } from '../secrets/masker.ts';
import type { CallOutcome, NewCall } from '../store/execution-ledger/calls.ts';
import { shownAnswer } from '../store/shown-calls.ts';

/** How calls are written down: as they are, or where secrets are around sealed, with a masked form for people beside it. */
export interface CallPrivacy {
  /** As people may read it. */
  text(text: string): string;
  object(object: JsonObject): JsonObject;
  json(json: string): string;
  arguments(callId: string, argsJson: string): Pick<NewCall, 'argsJson' | 'sealedArgs'>;
  outcome(callId: string, outcome: CallOutcome): CallOutcome;
  /** What becomes of a failure on its way to Temporal, which keeps it. */
  failure(error: unknown): unknown;
}

export const openCalls: CallPrivacy = {
  text: (text) => text,
  object: (object) => object,
  json: (json) => json,
  arguments: (_callId, argsJson) => ({ argsJson }),
  outcome: (_callId, outcome) => outcome,
  failure: (error) => error,
};

/** What is sealed of a call's arguments: with them goes what has to be masked wherever the call is worked on. */
const SealedArguments = z.object({
  args: z.string(),
  masks: z.array(z.object({ value: z.string(), label: z.string() })),
});

/** Without a key nothing can be sealed, and so a retry could not be answered: then calls are kept as they are. */
export function callPrivacyOf(
  keys: Keyring,
  organizationId: string,
  masks: readonly Mask[],
  masker = new Masker(masks),
): CallPrivacy {
  return masks.length === 0 || keys.keyId === null ? openCalls : new SealedCalls(keys, organizationId, masks, masker);
}

class SealedCalls implements CallPrivacy {
  readonly #keys: Keyring;
  readonly #organizationId: string;
  readonly #masks: readonly Mask[];
  readonly #masker: Masker;

  constructor(keys: Keyring, organizationId: string, masks: readonly Mask[], masker: Masker) {
    this.#keys = keys;
    this.#organizationId = organizationId;
    this.#masks = masks;
    this.#masker = masker;
  }

  text(text: string): string {
    return this.#masker.text(text);
  }

  object(object: JsonObject): JsonObject {
    return this.#masker.object(object);
  }

  json(json: string): string {
    return JSON.stringify(this.#masker.json(JsonValue.parse(JSON.parse(json))));
  }

  arguments(callId: string, argsJson: string) {
    const sealed: z.infer<typeof SealedArguments> = { args: argsJson, masks: [...this.#masks] };
    return {
      argsJson: this.json(argsJson),
      sealedArgs: this.#keys.seal(JSON.stringify(sealed), ['arguments', this.#organizationId, callId]),
    };
  }

  outcome(callId: string, { state, answerJson, error }: CallOutcome): CallOutcome {
    const told = error === null ? null : { code: error.code, message: this.text(error.message) };
    if (answerJson === null) return { state, answerJson, error: told };
    return {
      state,
      // As it is shown, so that what is compressed is masked too.
      answerJson: JSON.stringify(this.#masker.json(shownAnswer(answerJson))),
      sealedAnswer: this.#keys.seal(answerJson, ['answer', this.#organizationId, callId]),
      error: told,
    };
  }

  failure(error: unknown): unknown {
    if (!(error instanceof Error) || !this.#isTold(error)) return error;
    // Without its cause, which says it too.
    if (error instanceof AfterwordError) {
      return new AfterwordError(error.code, this.text(error.message), { retryAfterMs: error.retryAfterMs });
    }
    const masked = new Error(this.text(error.message));
    masked.name = error.name;
    masked.stack = this.text(error.stack ?? '');
    return masked;
  }

  #isTold(error: Error, depth = 0): boolean {
    const told = `${error.message}\n${error.stack ?? ''}`;
    if (this.text(told) !== told) return true;
    return error.cause instanceof Error && depth < mostCauses && this.#isTold(error.cause, depth + 1);
  }
}

const mostCauses = 10;

/** What was sealed of a call: its arguments, and what is to be masked. */
export function openArguments(
  keys: Keyring,
  organizationId: string,
  callId: string,
  sealedArgs: string,
): { readonly argsJson: string; readonly masks: readonly Mask[] } {
  const opened: unknown = JSON.parse(keys.open(sealedArgs, ['arguments', organizationId, callId]));
  const { args, masks } = SealedArguments.parse(opened);
  return { argsJson: args, masks };
}
