import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v5 } from 'uuid';
import { z } from 'zod';

const Published = z.object({ id: z.string(), workflowId: z.string(), duplicate: z.boolean() });
type Published = z.infer<typeof Published>;

const firstGuessMs = 50;
/** A server on a busy machine may say so; whoever publishes sends again. */
const unavailable = 503;
const unavailableMs = 100;
/** Of latencies, to tell a usual one. */
const remembered = 40;

/**
 * Publishers that send event after event, each over a connection of its own, and what is not answered again to the next server. Two
 * events in a row are of one conversation; the second brings a message more.
 */
export class SteadyPublishers {
  /** Ids of events that were answered 202. */
  readonly answered = new Set<string>();
  readonly #key: string;
  readonly #run = randomUUID();
  /** What was not as it had to be: all stop. */
  readonly #faults: string[] = [];
  readonly #underWay = new Set<string>();
  readonly #latencies: number[] = [];
  readonly #publishers: Promise<void>[];
  #server = Promise.withResolvers<string>();
  #answers = 0;
  #sends = 0;
  #ended = false;

  constructor(key: string, count: number) {
    this.#key = key;
    this.#publishers = Array.from({ length: count }, (_, index) => this.#publish(`${this.#run}-${String(index)}`));
  }

  /** From now on they send there. */
  serve(url: string): void {
    this.#server.resolve(url);
  }

  /** Ends their server and has them wait for the next one: the events whose requests were cut off. */
  async cutOff(kill: () => Promise<void>): Promise<readonly string[]> {
    this.#server = Promise.withResolvers();
    const underWay = [...this.#underWay];
    await kill();
    await this.#until(() => this.#underWay.size === 0);
    return underWay.filter((id) => !this.answered.has(id));
  }

  /** When so many answers more have come, and then a request is sent. */
  async answersAndARequest(answers: number): Promise<void> {
    const enough = this.#answers + answers;
    await this.#until(() => this.#answers >= enough);
    const sends = this.#sends;
    await this.#until(() => this.#sends > sends);
  }

  /** How long a request takes. */
  usualMs(): number {
    return this.#latencies.toSorted((one, other) => one - other)[this.#latencies.length >> 1] ?? firstGuessMs;
  }

  /** Sends no more events; resolves when all that were sent are answered. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#publishers);
    this.#refuseFaults();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#refuseFaults();
      await sleep(1);
    }
    this.#refuseFaults();
  }

  #isFaultless(): boolean {
    return this.#faults.length === 0;
  }

  #refuseFaults(): void {
    const [fault] = this.#faults;
    if (fault !== undefined) throw new Error(fault);
  }

  async #publish(publisher: string): Promise<void> {
    let last: Published | undefined;
    for (let number = 0; !this.#ended && this.#isFaultless(); number += 1) {
      const event = eventOf(publisher, number);
      let published = await this.#send(event);
      while (published === undefined && this.#isFaultless()) {
        // The one that was answered before the kill is known to the next server too.
        if (last !== undefined) await this.#sendAgain(eventOf(publisher, number - 1), last);
        published = await this.#send(event);
      }
      last = published;
    }
  }

  async #sendAgain(event: ReturnType<typeof eventOf>, first: Published): Promise<void> {
    const again = await this.#send(event);
    if (again === undefined || (again.duplicate && again.id === first.id)) return;
    this.#faults.push(`${event.id} was answered ${JSON.stringify(first)} and then ${JSON.stringify(again)}`);
  }

  /** Undefined where it was not taken. */
  async #send(event: ReturnType<typeof eventOf>): Promise<Published | undefined> {
    const url = await this.#server.promise;
    const from = performance.now();
    this.#sends += 1;
    this.#underWay.add(event.id);
    try {
      const answer = await fetch(`${url}/api/v1/conversation-events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
        body: JSON.stringify(event),
      });
      if (answer.status === unavailable) {
        await answer.text();
        await sleep(unavailableMs);
        return undefined;
      }
      if (answer.status === 202) this.answered.add(event.id);
      else this.#faults.push(`${event.id} was answered ${String(answer.status)}: ${await answer.text()}`);
      const published = Published.parse(await answer.json());
      this.#answers += 1;
      this.#latencies.push(performance.now() - from);
      if (this.#latencies.length > remembered) this.#latencies.shift();
      return published;
    } catch (error) {
      if (!(error instanceof TypeError)) this.#faults.push(`${event.id}: ${String(error)}`);
      return undefined; // of fetch: the connection broke
    } finally {
      this.#underWay.delete(event.id);
    }
  }
}

function eventOf(publisher: string, number: number) {
  const conversation = `${publisher}-${String(number >> 1)}`;
  const messages = Array.from({ length: messagesOf(number) }, (_, index) => ({
    id: `m${String(index)}`,
    sender: 'customer',
    timestamp: '2026-01-31T11:59:00Z',
    content: `Message ${String(index)}`,
    channel: 'email',
  }));
  return {
    id: `${publisher}-${String(number)}`,
    type: 'conversation_closed',
    conversation: {
      id: v5(conversation, v5.URL),
      publicId: conversation,
      subject: 'A closing',
      businessSlug: 'shop',
      messages,
    },
  };
}

/** Of the conversation, as its event with this number saw it. */
function messagesOf(number: number): number {
  return 2 + (number & 1);
}

/** The same, by the event's id. */
export function messagesSeenBy(eventId: string): number {
  return messagesOf(Number(eventId.slice(eventId.lastIndexOf('-') + 1)));
}
