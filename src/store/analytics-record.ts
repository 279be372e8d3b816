import type { AnalyticsPayload } from '../contract/analytics.ts';
import type { JsonValue } from '../contract/json.ts';
import { limits } from '../domain/limits.ts';
import { pythonText } from '../domain/python-text.ts';

/** What can be asked for of an accepted event, in columns of its own. */
export interface AnalyticsRecord {
  readonly project: string;
  readonly contact_urn: string;
  readonly key: string;
  readonly value_type: string;
  readonly value: string;
  /** As PostgreSQL's jsonb takes it. */
  readonly metadata: JsonValue;
}

/**
 * Texts are cut so that an index can hold them; whoever asks for one gives fewer characters than are kept, so that no
 * longer one is taken for it.
 */
export function recordOf(payload: AnalyticsPayload): AnalyticsRecord {
  return {
    project: head(payload.project),
    contact_urn: head(payload.contact_urn),
    key: head(payload.key),
    value_type: head(payload.value_type.toLowerCase()),
    value: head(pythonText(payload.value)),
    metadata: storable(payload.metadata),
  };
}

function head(text: string): string {
  const kept = limits.analyticsFilterCharacters + 1;
  return storableText(text.length <= kept ? text : Array.from(text).slice(0, kept).join(''));
}

function storable(value: JsonValue): JsonValue {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), storable(inner)]));
}

/** Without what PostgreSQL's texts cannot hold. */
function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
