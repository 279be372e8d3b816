import { createHash } from 'node:crypto';
import type { Message } from '../contract/conversation.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';

/** A message as its row has it; `ordinal` is its place in the snapshot, from 0. */
export interface IncomingMessage {
  readonly ordinal: number;
  readonly id: string;
  /** JSON text, as the handler sees it. */
  readonly body: string;
}

/**
 * The snapshot's messages, each once. One without an id gets one from its content and from how many messages of the
 * same content stand before it in this snapshot, so that the full snapshot sent again brings nothing new.
 * Throws `conversation_too_large` for a message over 64 KB.
 */
export function incomingMessagesOf(messages: readonly Message[]): IncomingMessage[] {
  const byId = new Map<string, IncomingMessage>();
  const repeats = new Map<string, number>();
  for (const [ordinal, message] of messages.entries()) {
    const body = bodyOf(message);
    refuseLarge(body, ordinal);
    let id = message.id === undefined ? undefined : wellFormed(message.id);
    if (id === undefined) {
      const repeat = (repeats.get(body) ?? 0) + 1;
      repeats.set(body, repeat);
      id = `content:${createHash('sha256').update(body).digest('base64url')}:${String(repeat)}`;
    }
    if (!byId.has(id)) byId.set(id, { ordinal, id, body });
  }
  return [...byId.values()];
}

function bodyOf(message: Message): string {
  const { id, sender, timestamp, content, channel, attachments } = message;
  return JSON.stringify({ id, sender, timestamp, content, channel, attachments });
}

function refuseLarge(body: string, ordinal: number): void {
  // UTF-8 takes at most three bytes a UTF-16 unit: most messages need no count.
  if (body.length * 3 <= limits.messageBytes) return;
  const bytes = Buffer.byteLength(body);
  if (bytes <= limits.messageBytes) return;
  const message = `The message has ${String(bytes)} bytes as JSON; at most ${String(limits.messageBytes)} are taken.`;
  throw new AfterwordError('conversation_too_large', message, {
    fields: [{ field: `conversation.messages.${String(ordinal)}`, message }],
  });
}

/** PostgreSQL takes no half of a surrogate pair inside JSON; outside it is stored as U+FFFD, so here too. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
