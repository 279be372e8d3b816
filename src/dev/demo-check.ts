import { isDeepStrictEqual } from 'node:util';
import type { ApiClient } from '../cli/api-client.ts';
import type { Published } from '../client.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import { expectedConversations } from './demo-expectations.ts';
import type { ExpectedConversation } from './demo-expectations.ts';

/**
 * Compares what the API tells with what should have happened; `again` is what publishing the same events a second time
 * answered. Throws `handler_failed` naming every difference.
 */
export async function checkDemo(api: ApiClient, again: readonly Published[]): Promise<void> {
  const faults = await Promise.all(expectedConversations.map((expected) => faultsOf(api, expected)));
  const rerun = again.filter(({ duplicate }) => !duplicate).map(({ workflowId }) => workflowId);
  const differences = [...faults.flat(), ...(rerun.length === 0 ? [] : [differs('started twice', [], rerun)])];
  if (differences.length === 0) return;
  throw new AfterwordError('handler_failed', 'The demo did not end as expected:', { fields: differences });
}

async function faultsOf(api: ApiClient, expected: ExpectedConversation): Promise<FieldError[]> {
  const conversation = await api.conversation(expected.publicId);
  const { items } = await api.executions({ conversation: expected.publicId });
  const endings = items.map(({ handlerName, status }) => `${handlerName} ${status}`).sort();
  const facts: [string, unknown, unknown][] = [
    ['executions', expected.handlers.map((name) => `${name} succeeded`), endings],
    ['tags', expected.tags, conversation.tags],
    ['metadata', expected.metadata, conversation.metadata],
    ['timeline', expected.timelineTypes, conversation.timeline.map(({ type }) => type)],
  ];
  return facts
    .filter(([, wanted, found]) => !isDeepStrictEqual(wanted, found))
    .map(([what, wanted, found]) => differs(`${what} of ${expected.publicId}`, wanted, found));
}

function differs(field: string, wanted: unknown, found: unknown): FieldError {
  return { field, message: `expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}` };
}
