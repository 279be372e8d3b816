import pg from 'pg';
import { z } from 'zod';

const Rows = z.array(
  z.object({
    event_id: z.string(),
    conversation: z.boolean(),
    message_seq: z.number(),
    message_count: z.number().nullable(),
    messages: z.number(),
    executions: z.number(),
    workflow_id: z.string(),
  }),
);
const Strays = z.array(z.object({ public_id: z.string() }));
const Described = z.array(z.object({ described: z.string() }));

export interface StoredEvent {
  readonly eventId: string;
  readonly workflowId: string;
}

export interface WholeEvent {
  readonly executions: number;
  /** Of its conversation, as the event with this id saw it. */
  readonly messagesSeenBy: (eventId: string) => number;
}

/** What the store holds of events; one connection. */
export class EventRecord {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(databaseUrl: string): Promise<EventRecord> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    return new EventRecord(client);
  }

  /** As one moment had it: the events, and what is there in part only. */
  async events(whole: WholeEvent): Promise<{ stored: readonly StoredEvent[]; inPart: readonly string[] }> {
    await this.#client.query('begin isolation level repeatable read read only');
    const rows = Rows.parse(
      await this.#rows(`
        select event.event_id, event.message_seq, event.workflow_id, conversation.message_count,
          conversation.id is not null as conversation,
          (select count(*)::integer from messages where conversation_id = event.conversation_id) as messages,
          (select count(*)::integer from executions where executions.event_id = event.id) as executions
        from conversation_events event left join conversations conversation on conversation.id = event.conversation_id`),
    );
    const strays = Strays.parse(
      await this.#rows(`
        select public_id from conversations
        where message_count is distinct from
          (select max(message_seq) from conversation_events where conversation_id = conversations.id)`),
    );
    await this.#client.query('commit');
    const partial = rows.filter(
      (row) =>
        !row.conversation ||
        row.message_count !== row.messages ||
        row.message_seq !== whole.messagesSeenBy(row.event_id) ||
        row.executions !== whole.executions,
    );
    return {
      stored: rows.map((row) => ({ eventId: row.event_id, workflowId: row.workflow_id })),
      inPart: [
        ...partial.map((row) => JSON.stringify(row)),
        ...strays.map((row) => `conversation ${row.public_id} without the event of its newest message`),
      ],
    };
  }

  /** Executions that have not ended. */
  async notEnded(): Promise<readonly string[]> {
    const rows = await this.#rows(`
      select event.event_id || ': ' || case when claimed_by is null then 'no workflow has it' else status end as described
      from executions join conversation_events event on event.id = executions.event_id where finished_at is null`);
    return Described.parse(rows).map(({ described }) => described);
  }

  /** Executions that did not succeed once, or whose one timeline event was not made exactly once. */
  async notDoneOnce(): Promise<readonly string[]> {
    const rows = await this.#rows(`
      select id || ' ' || status || ', succeeded: ' || succeeded || ', effects: ' || effects as described
      from (
        select id, status,
          (select count(*) from attempts where execution_id = executions.id and outcome = 'succeeded') as succeeded,
          (select count(*) from timeline_events where source_id = executions.id::text) as effects
        from executions
      ) as done
      where status <> 'succeeded' or succeeded <> 1 or effects <> 1`);
    return Described.parse(rows).map(({ described }) => described);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #rows(statement: string): Promise<unknown[]> {
    return (await this.#client.query<Record<string, unknown>>(statement)).rows;
  }
}
