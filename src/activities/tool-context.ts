import { z } from 'zod';
import { JsonObject } from '../contract/json.ts';
import { ToolNamespaces } from '../contract/tool-context.ts';
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
  const address = firstText(customer ?? {}, addressKeys);
  return { conversationId: id, publicId, subject, business, contactUrn: address ?? `conversation:${publicId}` };
}

/** Platforms name it differently; the first that is there counts. */
const addressKeys = ['urn', 'address', 'phone', 'email'] as const;

/** The first of these keys that holds some text; null where none does. */
export function firstText(object: JsonObject, keys: readonly string[]): string | null {
  const texts = keys.map((key) => object[key]).filter((value) => typeof value === 'string');
  return texts.find((value) => value.trim() !== '') ?? null;
}

/** For a handler that is a tool: what its `Context` holds. The last customer message is found in the cage. */
export function toolOf(begun: BegunAttempt, credentials: JsonObject): SandboxTool {
  const { tool, globals = {}, constants = {} } = begun.program.settings;
  const name = tool ?? null;
  if (begun.executionKind === 'tool') return { name, context: { ...namespacesOf(begun), credentials }, whole: true };
  const { conversationId, publicId, subject, business, contactUrn } = partyOf(begun);
  const parameters = {
    event_type: begun.event.type,
    message: '',
    conversation_id: conversationId,
    public_id: publicId,
    subject,
  };
  const contact = { urn: contactUrn };
  return {
    name,
    context: { credentials, parameters, globals, contact, project: business, constants },
    whole: false,
  };
}

/** Of a tool that was invoked directly: what it was invoked with, but credentials that are sealed. */
export function namespacesOf({ contextJson }: Pick<BegunAttempt, 'contextJson'>): ToolNamespaces {
  return ToolNamespaces.parse(JSON.parse(contextJson));
}
