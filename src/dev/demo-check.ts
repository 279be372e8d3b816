import { isDeepStrictEqual } from 'node:util';
import type { ApiClient } from '../cli/api-client.ts';
import { fetchDetails } from '../cli/wait.ts';
import type { Published } from '../client.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import { expectedConversations, expectedEvents, expectedRequests, expectedRows } from './demo-expectations.ts';
import { exampleSpreadsheet, type StandIns } from './parts/stand-ins-part.ts';
import type { ExpectedConversation } from './demo-expectations.ts';

/**
 * Compares what the API tells and what came to the stand-ins with what should have happened; `again` is what publishing the same events a second time
 * answered. Throws `handler_failed` naming every difference.
 */
export async function checkDemo(
  api: ApiClient,
  { receiver, google }: Pick<StandIns, 'receiver' | 'google'>,
  again: readonly Published[],
): Promise<void> {
  const faults = await Promise.all(expectedConversations.map((expected) => faultsOf(api, expected)));
  const rerun = again.filter(({ duplicate }) => !duplicate).map(({ workflowId }) => workflowId);
  const arrived = receiver.arrived().map(({ method, target }) => `${method} ${target}`);
  const rows = google?.rows(exampleSpreadsheet) ?? [];
  const outside = [
    ...compared('requests that arrived', expectedRequests, arrived.sort()),
    ...compared('rows of the sheet', expectedRows, rows),
  ];
  const { items: classified } = await api.executions({ conversation: 'EXAMPLE1', handler: 'classify-conversation' });
  const details = await fetchDetails(api, classified);
  const events = details.flatMap(({ analyticsEvents }) =>
    analyticsEvents.map(({ event, deliveries }) => [event?.value, ...deliveries.map(({ state }) => state)]),
  );
  outside.push(...compared('analytics events', expectedEvents, events));
  const differences = [
    ...faults.flat(),
    ...outside,
    ...(rerun.length === 0 ? [] : [differs('started twice', [], rerun)]),
  ];
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
  return facts.flatMap(([what, wanted, found]) => compared(`${what} of ${expected.publicId}`, wanted, found));
}

function compared(what: string, wanted: unknown, found: unknown): FieldError[] {
  return isDeepStrictEqual(wanted, found) ? [] : [differs(what, wanted, found)];
}

function differs(field: string, wanted: unknown, found: unknown): FieldError {
  return { field, message: `expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}` };
}
