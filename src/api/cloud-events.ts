import { CloudEvent, contradictsItself, toConversationEvent } from '../contract/cloud-event.ts';
import { invalidRequest, toFieldErrors } from '../contract/field-errors.ts';
import { limits } from '../domain/limits.ts';
import type { ApiContext } from './problems.ts';

export const structured = 'application/cloudevents+json';
export const batched = 'application/cloudevents-batch+json';

const attribute = { type: 'string', minLength: 1, maxLength: limits.idCharacters } as const;

/** For the document: what is a CloudEvent is made an event of ours before any schema of a route sees it. */
export const cloudEventSchema = {
  type: 'object' as const,
  required: ['specversion', 'id', 'source', 'type'],
  properties: {
    specversion: { type: 'string' as const, enum: ['1.0'] },
    id: attribute,
    source: attribute,
    type: { type: 'string' as const, description: 'An event type, with any reverse-DNS prefix.' },
    time: { type: 'string' as const, format: 'date-time' },
    subject: { ...attribute, description: 'Id or public id of the conversation.' },
    datacontenttype: { type: 'string' as const, description: 'JSON, such as application/json.' },
    data: {
      type: ['object' as const, 'null' as const],
      description: 'What else the event has: `conversation`, `actor`.',
    },
  },
};

type EventFormat = 'ours' | 'structured' | 'binary' | 'batch';

export function eventFormatOf(c: ApiContext): EventFormat {
  const mediaType = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType === structured) return 'structured';
  if (mediaType === batched) return 'batch';
  return c.req.header('ce-specversion') === undefined ? 'ours' : 'binary';
}

/** The conversation event that a CloudEvent is; throws `invalid_request` where it is none. */
export function fromCloudEvent(event: unknown): Record<string, unknown> {
  const { success, data, error } = CloudEvent.safeParse(event);
  if (!success) {
    throw invalidRequest(
      error.issues.flatMap((issue) => toFieldErrors(issue)),
      'CloudEvent',
    );
  }
  if (contradictsItself(data)) {
    const message = 'is neither id nor publicId of the conversation in `data`';
    throw invalidRequest([{ field: 'subject', message }], 'CloudEvent');
  }
  return toConversationEvent(data);
}

/** Attributes from the headers `ce-…`, with `data` as the body. */
export function withAttributesOfHeaders(c: ApiContext, data: unknown): Record<string, unknown> {
  const attributes = new Map<string, unknown>([['data', data]]);
  for (const [name, value] of Object.entries(c.req.header())) {
    if (name.startsWith('ce-')) attributes.set(name.slice(3), decoded(value));
  }
  return Object.fromEntries(attributes);
}

/** What headers cannot hold comes percent-encoded. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
