import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, vi } from 'vitest';
import { createDatabase } from './databases.ts';
import { EventRecord, type StoredEvent } from './event-record.ts';
import { Program } from './program.ts';
import { seededRandom } from './seeded-random.ts';
import { ServersInTurn, urlOf } from './servers-in-turn.ts';
import { messagesSeenBy, SteadyPublishers } from './steady-publishers.ts';

const adminKey = 'a-key-of-the-operator';
const publishers = 4;
/** Of a server, before the request that it is killed in. */
const mostAnswers = 5;
/** Of the time that a request takes: some are slower. */
const latest = 1.5;
/** From so many kills on some have to hit each side of what they can hit. */
const manyKills = 20;
const handlers = ['first', 'second'];
const code = `
def handle_event(context):
    add_conversation_event(context, "done")
`;

export interface KillsInRequests {
  readonly kills: number;
  readonly seed: number;
  /** After the last event was taken. */
  readonly withinMs: number;
}

/**
 * SIGKILL for one server after the other while they answer publishers: what was answered 202 runs, what was not is there as a
 * whole or not at all, and sent again it runs too; all of it once.
 */
export async function killServersInRequests({ kills, seed, withinMs }: KillsInRequests): Promise<void> {
  const random = seededRandom(seed);
  const database = await createDatabase();
  const record = await EventRecord.open(database.url);
  const taskQueue = `killed-${randomUUID()}`;
  const connection = await Connection.connect({ address: inject('temporal').address });
  const temporal = new Client({ connection, namespace: inject('temporal').namespace });
  const environment = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: inject('temporal').address,
    AFTERWORD_ADMIN_KEY: adminKey,
    AFTERWORD_ORGANIZATION: 'acme',
    AFTERWORD_TASK_QUEUE: taskQueue,
  };
  const worker = new Program('worker', environment);
  await pushHandlers({ ...environment, AFTERWORD_PORT: '0' });
  const servers = new ServersInTurn(environment, kills + 1);
  const publishing = new SteadyPublishers(adminKey, publishers);
  const whole = { executions: handlers.length, messagesSeenBy };
  const found = { nothing: 0, stored: 0, started: 0 };
  try {
    for (let kill = 1; kill <= kills; kill += 1) {
      const server = await servers.next();
      publishing.serve(server.url);
      await publishing.answersAndARequest(Math.floor(random() * (mostAnswers + 1)));
      await sleep(random() * latest * publishing.usualMs());
      const cut = await publishing.cutOff(server.kill);
      const { stored, inPart } = await record.events(whole);
      expect(inPart).toEqual([]);
      expect(missingIn(stored, publishing.answered)).toEqual([]);
      for (const eventId of cut) {
        const event = stored.find((one) => one.eventId === eventId);
        if (event === undefined) found.nothing += 1;
        else if (await hasStarted(temporal, event)) found.started += 1;
        else found.stored += 1;
      }
    }
    publishing.serve((await servers.next()).url);
    await publishing.end();
    const events = publishing.answered.size;
    console.log(
      `${String(events)} events; requests that were cut off: ${String(found.nothing)} before anything was stored, ` +
        `${String(found.stored)} before the workflow was started, ${String(found.started)} before the answer`,
    );
    const patience = { timeout: withinMs, interval: 200 };
    await vi.waitFor(async () => {
      expect(await record.notEnded()).toEqual([]);
    }, patience);
    const { stored, inPart } = await record.events(whole);
    expect(inPart).toEqual([]);
    expect(stored.map(({ eventId }) => eventId).sort()).toEqual([...publishing.answered].sort());
    expect(await record.notDoneOnce()).toEqual([]);
    await vi.waitFor(async () => {
      expect(await workflowsOf(temporal, taskQueue)).toEqual(stored.map(({ workflowId }) => workflowId).sort());
    }, patience);
    if (kills >= manyKills) {
      expect(found.nothing).toBeGreaterThan(0);
      expect(found.stored + found.started).toBeGreaterThan(0);
    }
  } finally {
    await Promise.all([servers.stop(), worker.kill()]);
    await Promise.all([record.close(), connection.close()]);
    await database.drop();
  }
}

async function pushHandlers(environment: Record<string, string>): Promise<void> {
  const server = new Program('server', environment);
  const url = await urlOf(server);
  for (const name of handlers) {
    const answer = await fetch(`${url}/api/v1/handlers/${name}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, eventType: 'conversation_closed', code }),
    });
    if (!answer.ok) throw new Error(`the handler was not taken: ${await answer.text()}`);
  }
  await server.stop();
}

function missingIn(stored: readonly StoredEvent[], answered: ReadonlySet<string>): readonly string[] {
  const ids = new Set(stored.map(({ eventId }) => eventId));
  return [...answered].filter((id) => !ids.has(id));
}

async function hasStarted({ workflow }: Client, { workflowId }: StoredEvent): Promise<boolean> {
  return await workflow
    .getHandle(workflowId)
    .describe()
    .then(
      () => true,
      () => false,
    );
}

/** One line for each run: a workflow that ran twice stands here twice. */
async function workflowsOf({ workflow }: Client, taskQueue: string): Promise<readonly string[]> {
  const ids: string[] = [];
  const query = `TaskQueue = "${taskQueue}" and WorkflowType = "conversationEvent"`;
  for await (const { workflowId } of workflow.list({ query })) ids.push(workflowId);
  return ids.sort();
}
