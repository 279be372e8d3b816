import type { z } from 'zod';
import { AnalyticsPayload } from '../contract/analytics.ts';
import { EventType } from '../contract/conversation-event.ts';
import { Message } from '../contract/conversation.ts';
import { HandlerContext } from '../contract/handler-context.ts';
import { JsonObject, JsonValue } from '../contract/json.ts';
import { type EventType as EventTypeName, eventTypeNames, eventTypes } from '../domain/event-types.ts';
import { TimelineEventFields } from '../helpers/add-conversation-event.ts';
import { helpers } from '../helpers/registry.ts';
import { docComment } from './doc-comment.ts';
import { errorCodesText, helpersText } from './helper-types.ts';
import { membersText, type TypeNames } from './type-text.ts';

/** By this line a file is known as one that may be written again. */
export const firstLine = '// What TypeScript handlers are written with. Made by `afterword types`: edits are lost.';

const names: TypeNames = new Map<z.core.$ZodType, string>([
  [JsonValue, 'JsonValue'],
  [JsonObject, 'JsonObject'],
  [Message, 'Message'],
  [EventType, 'Type'],
]);

/** What a handler may leave out of an analytics event is filled in. */
const AnalyticsEvent = AnalyticsPayload.partial({
  event_name: true,
  date: true,
  project: true,
  contact_urn: true,
  metadata: true,
});

/** The text of `afterword.d.ts`, of all types of events or of one: from the contracts' schemas and the helpers' definitions. */
export function declarations(only?: EventTypeName): string {
  const types = only === undefined ? eventTypeNames : [only];
  return [
    `${firstLine}\n`,
    'type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };\ntype JsonObject = { [key: string]: JsonValue };\n',
    `type EventType = ${types.map((name) => `'${name}'`).join(' | ')};\n`,
    `interface Message ${membersText(Message, names)}\n`,
    `${docComment(['What a handler is told of the event: its first parameter.'])}interface Context<Type extends EventType = EventType> ${membersText(HandlerContext, names)}\n`,
    ...types.map(contextText),
    `${docComment(['A timeline event, for `addConversationEvent`. `timestamp` is ISO 8601 with an offset; without one it is now.'])}interface TimelineEventFields ${membersText(TimelineEventFields, names)}\n`,
    `${docComment(['For `registerEvent`; what is left out is filled in. `value_type` is `string`, `int`, `bool` or `list`; `value` must not be null.'])}interface AnalyticsEvent ${membersText(AnalyticsEvent, names)}\n`,
    `${docComment(['What the platform does for a handler: its second parameter. Wrong arguments and failures reject with a `HelperError`.'])}${helpersText(helpers)}`,
    `${docComment(['A helper was refused or failed. `code` is stable and meant for code, the message for people.'])}${helperError()}`,
    `${docComment(['What a file exports as `handleEvent`; what it returns is kept and must be JSON.'])}type EventHandler<Type extends EventType = EventType> = (context: Context<Type>, helpers: Helpers) => unknown;\n`,
  ].join('\n');
}

/** `ClosedContext`: `conversation_closed` without what all types begin with. */
function contextText(type: (typeof eventTypeNames)[number]): string {
  const name = type
    .replace(/^conversation_/u, '')
    .split('_')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
  return `${docComment([eventTypes[type]])}type ${name}Context = Context<'${type}'>;\n`;
}

function helperError(): string {
  return `declare class HelperError extends Error {
  readonly code: ${errorCodesText(helpers)} | (string & {});
  constructor(message: string, code?: string);
}
`;
}
