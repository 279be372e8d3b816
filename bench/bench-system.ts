import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { connectAfterword, type AfterwordClient } from '../src/client.ts';
import { eachWithConcurrency } from '../src/domain/concurrency.ts';
import { connectTemporal } from '../src/temporal/connection.ts';
import { organizationKey } from '../src/temporal/search-attributes.ts';
import { startChild, type Child } from './processes/child.ts';
import type { StartServers } from './servers/servers.ts';

/** One that is not Python. */
export interface BenchHandler {
  readonly language: 'typescript';
  readonly code: string;
}

export interface BenchSystem {
  /** The first worker process of ours. */
  readonly afterword: Child;
  readonly temporal: Client;
  /** All processes but the measuring one: of an event of ours, and of a workflow of the floor. */
  readonly pids: { readonly ours: readonly number[]; readonly floor: readonly number[] };
  /** An organisation of its own with these handlers. */
  organization(
    handlers: Record<string, string | BenchHandler>,
    more?: { retriesOnPurpose: boolean },
  ): Promise<{ id: string; client: AfterwordClient }>;
  floor(workflow: 'bare' | 'withUpdates'): Promise<unknown>;
}

/** Fresh servers, worker processes of ours and as many of the floor; stopped when `work` is done. */
export async function withBenchSystem<Result>(
  start: StartServers,
  work: (system: BenchSystem) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'afterword-bench-'));
  const servers = await start(folder);
  const { address } = servers;
  const env = { BENCH_TEMPORAL: address, BENCH_FOLDER: join(folder, 'store'), BENCH_DATABASE_URL: servers.databaseUrl };
  const temporal = connectTemporal({ address });
  const clients: AfterwordClient[] = [];
  const children: Child[] = [];
  const retrying: string[] = [];
  try {
    const startAll = async (script: string) => {
      const started: Child[] = [];
      for (let n = 0; n < servers.workers; n += 1) {
        started.push(await startChild(script, env));
        children.push(...started.slice(-1));
      }
      return started;
    };
    const ours = await startAll('./afterword.ts');
    const floors = await startAll('./floor.ts');
    const [afterword] = ours;
    if (afterword === undefined) throw new Error('a bench needs a worker process');
    const pidsOf = (of: Child[]) => [...servers.pids, ...of.map(({ pid }) => pid)];
    const result = await work({
      afterword,
      temporal: temporal.client,
      pids: { ours: pidsOf(ours), floor: pidsOf(floors) },
      async organization(handlers, more) {
        const id = `bench-${randomUUID().slice(0, 8)}`;
        const list = Object.entries(handlers).map(([name, handler]) => ({
          name,
          ...(typeof handler === 'string' ? { code: handler } : handler),
        }));
        await afterword.ask('seed', { organization: id, handlers: list });
        const client = connectAfterword({ organization: id, address });
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
    await servers.stop();
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
    const again = events?.find(({ activityTaskStartedEventAttributes: started }) => {
      // Given back by a worker whose places were all taken: not begun.
      const busy = started?.lastFailure?.applicationFailureInfo?.type === 'handlers_busy';
      return (started?.attempt ?? 1) > 1 && !busy;
    });
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
