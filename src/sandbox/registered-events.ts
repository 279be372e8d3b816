import type { JsonValue } from '../contract/json.ts';
import { cleanJson, cleanText, UncleanJson } from './clean-text.ts';
import type { RegisteredEvent, SandboxLimits } from './sandbox.ts';

/** An event as a child sent it, clean. What of it cannot be stored is left out and is its fault. */
export function toRegisteredEvent({ e, x }: { e: Record<string, unknown>; x: string | null }): RegisteredEvent {
  const faults = x === null ? [] : [cleanText(x)];
  const kept: [string, JsonValue][] = [];
  for (const [key, value] of Object.entries(e)) {
    const name = cleanText(key);
    try {
      kept.push([name, cleanJson(value, 1)]);
    } catch (error) {
      if (!(error instanceof UncleanJson)) throw error;
      faults.push(`event['${name.slice(0, 100)}'] ${error.message}`);
    }
  }
  // fromEntries defines properties, so that a key `__proto__` stays a key.
  return { event: Object.fromEntries(kept), fault: faults.length === 0 ? null : faults.join(', ') };
}

/** Which limit the events of one run pass, in words for the handler's author; null for none. */
export function excessOf(events: readonly RegisteredEvent[], limits: SandboxLimits): string | null {
  if (events.length > limits.events) {
    return `The handler registered ${String(events.length)} analytics events, more than the ${String(limits.events)} allowed.`;
  }
  const bytes = events.reduce((sum, { event, fault }) => {
    return sum + Buffer.byteLength(JSON.stringify(event)) + Buffer.byteLength(fault ?? '') + 1;
  }, 1);
  if (bytes <= limits.eventBytes) return null;
  return `The analytics events are ${String(bytes)} bytes of JSON, more than the ${String(limits.eventBytes)} allowed.`;
}
