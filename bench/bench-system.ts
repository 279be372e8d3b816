import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { connectAfterword, type AfterwordClient } from '../src/client.ts';
import { readToolchain } from '../src/config/toolchain.ts';
import { eachWithConcurrency } from '../src/domain/concurrency.ts';
import { connectTemporal } from '../src/temporal/connection.ts';
import { startTemporalDevServer } from '../src/temporal/dev-server.ts';
import { organizationKey } from '../src/temporal/search-attributes.ts';
import { startChild, type Child } from './processes/child.ts';

export interface BenchSystem {
  readonly afterword: Child;
  readonly temporal: Client;
  readonly pids: { readonly temporal: number; readonly afterword: number; readonly floor: number };
  /** An organisation of its own with these handlers. */
  organization(
    handlers: Record<string, string>,
    more?: { retriesOnPurpose: boolean },
  ): Promise<{ id: string; client: AfterwordClient }>;
  floor(workflow: 'bare' | 'withUpdates'): Promise<unknown>;
}

/** A fresh Temporal server, one worker process of ours and one of the floor; stopped when `work` is done. */
export async function withBenchSystem<Result>(work: (system: BenchSystem) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'afterword-bench-'));
  const { temporalCli } = readToolchain();
  if (temporalCli === null) throw new Error('no Temporal CLI: run `npm run setup`');
  const server = await startTemporalDevServer({ cliPath: temporalCli, dbFilename: join(folder, 'temporal.db') });
  const env = { BENCH_TEMPORAL: server.address, BENCH_FOLDER: join(folder, 'store') };
  const temporal = connectTemporal({ address: server.address });
  const clients: AfterwordClient[] = [];
  const children: Child[] = [];
  const retrying: string[] = [];
  try {
    const afterword = await startChild('./afterword.ts', env);
    children.push(afterword);
    const floor = await startChild('./floor.ts', env);
    children.push(floor);
    const result = await work({
      afterword,
      temporal: temporal.client,
      pids: { temporal: server.pid, afterword: afterword.pid, floor: floor.pid },
      async organization(handlers, more) {
        const id = `bench-${randomUUID().slice(0, 8)}`;
        const list = Object.entries(handlers).map(([name, code]) => ({ name, code }));
        await afterword.ask('seed', { organization: id, handlers: list });
        const client = connectAfterword({ organization: id, address: server.address });
        clients.push(client);
        if (more?.retriesOnPurpose === true) retrying.push(id);
        return { id, client };
      },
      floor: (workflow) =>
        temporal.client.workflow.execute(workflow, { workflowId: randomUUID(), taskQueue: 'floor', args: [] }),
    });
    await refuseSecondAttempts(temporal.client, retrying);
    return result;
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(children.map((child) => child.stop()));
    await temporal.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A completed workflow hides a broken sandbox: whatever ran must have run at its first attempt. */
async function refuseSecondAttempts(client: Client, retrying: readonly string[]): Promise<void> {
  const ids: string[] = [];
  for await (const { workflowId, typedSearchAttributes } of client.workflow.list({ pageSize: 1000 })) {
    if (!retrying.includes(typedSearchAttributes.get(organizationKey) ?? '')) ids.push(workflowId);
  }
  await eachWithConcurrency(ids, 20, async (workflowId) => {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    const again = events?.find((event) => (event.activityTaskStartedEventAttributes?.attempt ?? 1) > 1);
    if (again) throw new Error(`an activity of ${workflowId} needed a second attempt: the numbers mean nothing`);
  });
}

export function closedEvent(conversationId?: string) {
  const id = randomUUID();
  const event = { id, type: 'conversation_closed' as const };
  return conversationId === undefined
    ? { ...event, conversation: conversationOf(id, 5) }
    : { ...event, conversationId };
}

export function conversationOf(id: string, messages: number) {
  return {
    id,
    publicId: id,
    subject: 'Where is my order?',
    businessSlug: 'example-shop',
    messages: Array.from({ length: messages }, (_, index) => ({
      id: String(index),
      sender: index % 2 === 0 ? ('customer' as const) : ('agent' as const),
      timestamp: new Date(1_767_225_600_000 + index * 60_000).toISOString(),
      content: `Message ${String(index)}: thank you for looking into this, here is what I know so far.`,
      channel: 'email',
    })),
  };
}

/** Publishes one event and waits until its handlers have settled. */
export async function publishAndSettle(client: AfterwordClient, conversationId?: string): Promise<void> {
  const { workflowId } = await client.publish(closedEvent(conversationId));
  const { status } = await client.result(workflowId);
  if (status !== 'succeeded') throw new Error(`the event ended as ${status}`);
}
