import { isDeepStrictEqual } from 'node:util';
import { HandlerConversation, type ConversationEvent } from '../../../src/sandbox/handler-conversation.ts';
import type { SandboxLimits } from '../../../src/sandbox/sandbox.ts';
import { limits } from '../running.ts';
import { chunksOf, type HostileConversation } from './hostile-lines.ts';

/** Small ones are met more often. */
export const fuzzLimits: SandboxLimits = {
  ...limits,
  outputBytes: 2_000,
  resultBytes: 1_000,
  callBytes: 1_000,
  requestBytes: 1_000,
  requestHeadBytes: 1_000,
  events: 10,
  eventBytes: 1_000,
};
export const fuzzInFlight = { calls: 2, requests: 2, together: 3 };

function hear(conversation: HostileConversation): ConversationEvent[] {
  const host = new HandlerConversation(fuzzLimits, fuzzInFlight);
  const events: ConversationEvent[] = [];
  for (const chunk of chunksOf(conversation)) {
    for (const event of host.push(chunk)) {
      events.push(event);
      if (!conversation.answered) continue;
      if (event.kind === 'call' || event.kind === 'bad_call') host.answered('calls');
      if (event.kind === 'request' || event.kind === 'bad_request') host.answered('requests');
    }
  }
  return events;
}

/** How many of its lines the host read, until it had enough. Throws with what was wrong in what it made of them. */
export function checkConversation(conversation: HostileConversation): number {
  const events = hear(conversation);
  const whole = hear({ ...conversation, sizes: [Number.MAX_SAFE_INTEGER] });
  must(isDeepStrictEqual(events, whole), 'what was heard depends on how it was cut');
  const last = events.findIndex(({ kind }) => kind === 'succeeded' || kind === 'failed' || kind === 'setup_failed');
  must(last === -1 || last === events.length - 1, 'something followed the end');
  const [first] = events;
  const begins = first === undefined || first.kind === 'started' || first.kind === 'setup_failed';
  must(begins || isViolation(first), `it began with ${JSON.stringify(first)}`);
  must(
    events.slice(1).every(({ kind }) => kind !== 'started' && kind !== 'setup_failed'),
    'it began twice',
  );
  const ids = events.flatMap((event) => ('id' in event ? [event.id] : []));
  must(
    ids.every((id, index) => id === index + 1),
    `calls are numbered ${ids.join()}`,
  );
  const printed = events.flatMap((event) => (event.kind === 'log' ? [event.text] : [])).join('');
  must(Buffer.byteLength(printed) <= fuzzLimits.outputBytes, 'more output than is allowed');
  for (const event of events) checkEvent(event);
  must(!('polluted' in {}), 'every object was changed');
  return events.length;
}

function checkEvent(event: ConversationEvent): void {
  const { body, ...rest } = event.kind === 'request' ? event.request : { ...event, body: Buffer.alloc(0) };
  must(body.length <= fuzzLimits.requestBytes, 'a body larger than is allowed');
  const json = JSON.stringify(rest);
  must(isDeepStrictEqual(JSON.parse(json), withoutUndefined(rest)), 'it is not JSON');
  must(!/\\ud[89a-f]|\\u0000/.test(json), 'it holds what cannot be stored');
  if (event.kind === 'succeeded') {
    must(Buffer.byteLength(JSON.stringify(event.result)) <= fuzzLimits.resultBytes, 'a result larger than is allowed');
  }
  if ('events' in event) must(event.events.length <= fuzzLimits.events, 'more events than are allowed');
}

/** Negative zero is written as zero. */
function withoutUndefined(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutUndefined(item)]));
}

const isViolation = (event: ConversationEvent): boolean =>
  event.kind === 'failed' && event.error.type === 'ProtocolViolation';

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
