import { createHash } from 'node:crypto';
import { AfterwordError } from './errors.ts';
import type { DirectRunKind } from './status.ts';

export interface EventIdentity {
  readonly id?: string | undefined;
  readonly type: string;
  readonly occurredAt?: string | undefined;
}

/**
 * The event's own id: the publisher's, else made from type, conversation and time (UTC, milliseconds).
 * With neither the event is refused: a hash of the body would drop real repeats.
 */
export function eventIdOf(event: EventIdentity, conversationId: string): string {
  if (event.id !== undefined) return event.id;
  if (event.occurredAt === undefined) {
    throw new AfterwordError(
      'event_id_missing',
      'The event has neither "id" nor "occurredAt", so a repeat of it could not be told from a new event.',
    );
  }
  return `${event.type}/${conversationId}/${new Date(event.occurredAt).toISOString()}`;
}

const base32Alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 without padding, lower case. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32Alphabet.charAt((buffer >>> bits) & 31);
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + base32Alphabet.charAt((buffer << (5 - bits)) & 31) : text;
}

/** Of a run that no event started: each is its own, so its execution names it. */
export function directRunWorkflowIdOf(kind: DirectRunKind, organizationId: string, executionId: string): string {
  return `${kind}-run/${organizationId}/${executionId}`;
}

/** Of a run of an event's execution again: each is its own, so its execution names it. */
export function rerunWorkflowIdOf(organizationId: string, executionId: string): string {
  return `rerun/${organizationId}/${executionId}`;
}

/** Derived from the event alone and free of personal data: workflow ids are visible to everyone. */
export function workflowIdOf(organizationId: string, source: string, eventId: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([source, eventId]))
    .digest();
  return `conversation-event/${organizationId}/${base32(digest)}`;
}
