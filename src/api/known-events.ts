import type { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventIdOf } from '../domain/event-key.ts';

/** What is answered of an event, and written to the log. */
export interface KnownEvent {
  readonly id: string;
  readonly eventId: string;
  readonly workflowId: string;
  readonly type: string;
  readonly conversationId: string;
  readonly handlers: number;
}

const rememberedMs = 60_000;
const mostRemembered = 10_000;

/**
 * Events that this server found safe in the store a moment ago. What is sent again is mostly sent again soon, by a publisher that
 * missed the answer: that takes no statement then. What is not here, or does not agree with it, is asked of the store.
 */
export class KnownEvents {
  readonly #events = new Map<string, { readonly known: KnownEvent; readonly until: number }>();

  /** Throws `event_id_missing`. */
  find(organizationId: string, input: ConversationEventInput): KnownEvent | undefined {
    if (input.id === undefined && !('conversation' in input)) return undefined;
    const conversationId = ('conversation' in input ? input.conversation.id : input.conversationId).toLowerCase();
    const found = this.#events.get(keyOf(organizationId, input.source, eventIdOf(input, conversationId)));
    if (found === undefined || found.until <= Date.now()) return undefined;
    const { known } = found;
    return known.type === input.type && known.conversationId === conversationId ? known : undefined;
  }

  remember(organizationId: string, source: string, known: KnownEvent): void {
    const key = keyOf(organizationId, source, known.eventId);
    this.#events.delete(key);
    this.#events.set(key, { known, until: Date.now() + rememberedMs });
    const [oldest] = this.#events.keys();
    if (this.#events.size > mostRemembered && oldest !== undefined) this.#events.delete(oldest);
  }

  /** Where the store may be another one than it was: a replica that took over may lack the last events. */
  forget(): void {
    this.#events.clear();
  }
}

function keyOf(organizationId: string, source: string, eventId: string): string {
  return JSON.stringify([organizationId, source, eventId]);
}
