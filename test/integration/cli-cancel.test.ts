import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { HandlerPush } from '../../src/contract/handler.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import { closedEvent } from '../setup/system.ts';
import { createCliUnderTest, type CliUnderTest } from './cli-under-test.ts';

let cli: CliUnderTest;
beforeAll(async () => {
  cli = await createCliUnderTest();
  for (const name of ['later', 'other']) {
    const settings = { delaySeconds: 600 };
    const push = { name, eventType: 'conversation_closed', code: 'def handle_event(context): pass', settings };
    await pushHandler(cli.store.db, 'parcels', HandlerPush.parse(push));
  }
});
afterAll(() => cli.close());

async function accepted() {
  const { id, executions } = await acceptEvent(cli.store.db, 'parcels', ConversationEventInput.parse(closedEvent()));
  return { event: id, execution: executions[0]?.executionId ?? '' };
}

test('shows until when an execution waits, ends it, and says afterwards how it ended', async () => {
  const { execution } = await accepted();
  const waiting = await cli.run(['execution', execution]);
  expect(waiting.stdout).toMatch(/runs at +\d{4}-/);
  expect(waiting.stdout).toMatch(/the execution waits until \d{4}-/);
  const cancelled = await cli.run(['cancel', execution]);
  expect(cancelled.exitCode).toBe(0);
  expect(cancelled.stdout).toMatch(/later +1 +cancelled/);
  const again = await cli.run(['cancel', execution, '--json']);
  expect(again.exitCode).toBe(1);
  expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'execution_ended' } });
});

test('ends all of an event that have not ended', async () => {
  const { event, execution } = await accepted();
  await cli.run(['cancel', execution]);
  const { exitCode, stdout } = await cli.run(['cancel', '--event', event, '--json']);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ items: [{ status: 'cancelled' }, { status: 'cancelled' }] });
  expect((await cli.run(['cancel', '--event', event])).stderr).toContain('(execution_ended)');
});

test('wants one of the two, and one that is known', async () => {
  expect(await cli.run(['cancel'])).toMatchObject({ exitCode: 2 });
  expect(await cli.run(['cancel', randomUUID(), '--event', randomUUID()])).toMatchObject({ exitCode: 2 });
  expect((await cli.run(['cancel', randomUUID()])).stderr).toContain('(execution_not_found)');
});
