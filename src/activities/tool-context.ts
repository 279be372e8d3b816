import { z } from 'zod';
import { JsonObject } from '../contract/json.ts';
import type { SandboxTool } from '../sandbox/sandbox.ts';
import type { BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';

/** Our own writing: what is in it was checked when it came in. */
const Snapshot = z.object({
  conversation: z.object({ id: z.string(), publicId: z.string(), subject: z.string() }),
  business: z.object({ name: z.string(), slug: z.string() }),
  customer: JsonObject.nullish(),
});

/** What a conversation says about whom it was with. */
export interface Party {
  readonly conversationId: string;
  readonly publicId: string;
  readonly subject: string;
  readonly business: { readonly name: string; readonly slug: string };
  /** Where the customer is reached; `conversation:<publicId>` where the conversation does not say. */
  readonly contactUrn: string;
}

export function partyOf(begun: Pick<BegunAttempt, 'contextJson'>): Party {
  const { conversation, business, customer } = Snapshot.parse(JSON.parse(begun.contextJson));
  const { id, publicId, subject } = conversation;
  const address = addressOf(customer ?? {});
  return { conversationId: id, publicId, subject, business, contactUrn: address ?? `conversation:${publicId}` };
}

/** Platforms name it differently; the first that is there counts. */
const addressKeys = ['urn', 'address', 'phone', 'email'] as const;

function addressOf(customer: JsonObject): string | undefined {
  return addressKeys
    .map((key) => customer[key])
    .filter((value) => typeof value === 'string')
    .find((value) => value.trim() !== '');
}

/** The namespaces of a tool that a conversation event runs. The last customer message is found in the cage. */
export function toolOf(begun: BegunAttempt): SandboxTool {
  const { conversationId, publicId, subject, business, contactUrn } = partyOf(begun);
  const { tool, globals = {}, constants = {} } = begun.program.settings;
  return {
    name: tool ?? null,
    context: {
      credentials: {},
      parameters: {
        event_type: begun.event.type,
        message: '',
        conversation_id: conversationId,
        public_id: publicId,
        subject,
      },
      globals,
      contact: { urn: contactUrn },
      project: business,
      constants,
    },
    whole: false,
  };
}
