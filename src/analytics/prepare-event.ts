import type { AnalyticsPayload } from '../contract/analytics.ts';
import type { JsonObject, JsonValue } from '../contract/json.ts';
import { toMoment } from '../domain/event-date.ts';

/** Where an event comes from: what is filled in where the event does not say it. Null: nothing is known. */
export interface EventOrigin {
  readonly project: string | null;
  readonly contactUrn: string | null;
  /** RFC 3339. */
  readonly registeredAt: string;
  readonly conversationUuid: string | null;
  readonly conversationStartDate: string | null;
  readonly conversationEndDate: string | null;
  readonly agentUuid: string | null;
}

export type PreparedEvent =
  | {
      readonly state: 'accepted';
      readonly payload: AnalyticsPayload;
      /** What `payload.date` says, RFC 3339 in UTC. */
      readonly moment: string;
    }
  /** Every fault, joined by commas. */
  | { readonly state: 'rejected'; readonly reason: string };

const eventName = 'weni_nexus_data';
/** In the order in which the platform behind the toolkit complains of them. */
const texts = ['project', 'contact_urn', 'key', 'date', 'value_type'] as const;
const known: ReadonlySet<string> = new Set([...texts, 'value', 'event_name', 'metadata']);

/**
 * Fills in what is missing, never over what is there, and checks the event as the datalake's platform does, in its
 * words. `fault`: what was found wrong with it before.
 */
export function prepareEvent(registered: JsonObject, fault: string | null, origin: EventOrigin): PreparedEvent {
  const event = filledIn(registered, origin);
  const faults = texts.flatMap((name) => textFault(name, event[name]));
  if (event.value === undefined || event.value === null) faults.push('value cannot be None');
  if (event.event_name !== eventName) faults.push(`event_name must be "${eventName}"`);
  if (fault !== null) faults.push(fault);
  const metadata = filledMetadata(event.metadata, origin);
  if (metadata === null) faults.push('metadata must be a dict');
  const extra = Object.keys(event).filter((name) => !known.has(name));
  if (extra.length > 0) faults.push(`extra keys are not allowed: ${extra.join(', ')}`);
  const text = (name: (typeof texts)[number]) => textOf(event[name]);
  const date = text('date');
  const moment = toMoment(date);
  if (moment === null && date.trim() !== '') faults.push(`date cannot be understood: "${date}" is not ISO 8601`);
  const { value } = event;
  if (faults.length > 0 || metadata === null || moment === null || value === undefined) {
    return { state: 'rejected', reason: faults.join(', ') };
  }
  const payload = {
    event_name: eventName,
    key: text('key').trim(),
    date,
    project: text('project').trim(),
    contact_urn: text('contact_urn').trim(),
    value_type: text('value_type'),
    value,
    metadata,
  };
  return { state: 'accepted', payload, moment };
}

function filledIn(registered: JsonObject, origin: EventOrigin): JsonObject {
  return {
    event_name: eventName,
    ...(origin.project === null ? {} : { project: origin.project }),
    ...(origin.contactUrn === null ? {} : { contact_urn: origin.contactUrn }),
    date: origin.registeredAt,
    ...registered,
  };
}

/** Null where it is no object. */
function filledMetadata(metadata: JsonValue | undefined, origin: EventOrigin): JsonObject | null {
  const given = metadata ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return null;
  const fromConversation = {
    conversation_uuid: origin.conversationUuid,
    conversation_start_date: origin.conversationStartDate,
    conversation_end_date: origin.conversationEndDate,
    agent_uuid: origin.agentUuid,
  };
  return { ...Object.fromEntries(Object.entries(fromConversation).filter(([, value]) => value !== null)), ...given };
}

function textFault(name: string, value: JsonValue | undefined): string[] {
  if (isEmpty(value)) return [`${name} cannot be empty`];
  return typeof value === 'string' ? [] : [`${name} must be a string`];
}

/** As Python has it: nothing, zero, false, and what holds nothing. */
function isEmpty(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return value.trim() === '';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === 0 || value === false;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
