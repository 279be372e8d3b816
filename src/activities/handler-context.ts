import { z } from 'zod';
import type { BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';

/** Our own writing: what is in it was checked when it came in. */
const Snapshot = z.looseObject({ conversation: z.looseObject({}) });

/**
 * The `context` a handler gets, as JSON text. Messages are spliced in as the text they were stored as: parsing and
 * writing 5,000 of them again took 42 ms, this takes 3.
 */
export function contextJsonOf(
  begun: BegunAttempt,
  attempt: number,
  secrets: Readonly<Record<string, string>> = {},
): string {
  // A tool that was invoked directly has no conversation; its own context travels beside this one.
  if (begun.executionKind === 'tool') return '{}';
  const { conversation, ...rest } = Snapshot.parse(JSON.parse(begun.contextJson));
  const { event } = begun;
  const args = {
    event_type: event.type,
    event_id: event.eventId,
    occurred_at: event.occurredAt.toISOString(),
    attempt,
    ...(event.actor === null ? {} : { actor: event.actor }),
  };
  const start = JSON.stringify({ ...rest, args, secrets }).slice(0, -1);
  const body = JSON.stringify(conversation).slice(0, -1);
  return `${start},"conversation":${body},"messages":${begun.messagesJson}}}`;
}
