import { z } from 'zod';

/**
 * What a caged child may say, a JSON line each. Every byte is hostile: the handler shares its process with our runner
 * and can write to the connection whatever it likes.
 *
 * What a child may fill with a million items is looked through by hand, up to the first that is wrong: a schema notes each,
 * with its place.
 */

type JsonRecord = Record<string, unknown>;
/** `e`: an analytics event; `x`: why it cannot be delivered as it is. */
interface SentEvent {
  readonly e: JsonRecord;
  readonly x: string | null;
}

const Id = z.int().positive();
const Seconds = z.number().positive().nullable();
const Arguments = z.custom<JsonRecord>(isRecord);
const Headers = z.custom<[string, string][]>((value) => Array.isArray(value) && value.every(isHeader));
const Events = z.custom<readonly SentEvent[]>((value) => Array.isArray(value) && value.every(isSentEvent)).default([]);

const Started = z.strictObject({ t: z.literal('started') });
/** Only believed before `started`, when none of the user's code has run. */
const SetupFailed = z.strictObject({ t: z.literal('setup_failed'), message: z.string() });
const Log = z.strictObject({ t: z.literal('log'), s: z.enum(['stdout', 'stderr']), d: z.string().min(1) });
const Call = z.strictObject({ t: z.literal('call'), id: Id, name: z.string(), args: Arguments });
/** One HTTP request. Times in seconds; null: the default. `body` is base64. */
const Fetch = z.strictObject({
  t: z.literal('fetch'),
  id: Id,
  method: z.string(),
  url: z.string(),
  headers: Headers,
  body: z.base64(),
  connect: Seconds,
  read: Seconds,
  insecure: z.boolean(),
});
const Succeeded = z.strictObject({ t: z.literal('done'), ok: z.literal(true), v: z.unknown(), events: Events });
const Failed = z.strictObject({
  t: z.literal('done'),
  ok: z.literal(false),
  reason: z.enum(['raised', 'syntax_error', 'no_entry_point', 'not_json', 'exited', 'out_of_memory', 'limit_exceeded']),
  type: z.string(),
  message: z.string(),
  traceback: z.string(),
  events: Events,
});

const ChildMessage = z.discriminatedUnion('t', [
  Log,
  Call,
  Fetch,
  Started,
  z.discriminatedUnion('ok', [Succeeded, Failed]),
  SetupFailed,
]);
export type ChildMessage = z.infer<typeof ChildMessage>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHeader(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string';
}

function isSentEvent(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value.e)) return false;
  return (value.x === null || typeof value.x === 'string') && Object.keys(value).length === 2;
}

/** The child broke the protocol; the message says how, for the handler's author. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

export function parseChildMessage(line: string): ChildMessage {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new ProtocolViolation('a line that is not JSON');
  }
  const parsed = ChildMessage.safeParse(json);
  if (!parsed.success) throw new ProtocolViolation('a message of no known shape');
  return parsed.data;
}

/** Cuts a stream of bytes into lines of at most `mostBytes`; invalid UTF-8 becomes U+FFFD. */
export class LineSplitter {
  readonly #mostBytes: number;
  /** The line so far: one buffer that grows, since a child may send a byte at a time and each part costs memory. */
  #pending = Buffer.alloc(0);
  #length = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const part = chunk.subarray(start, end);
      start = end + 1;
      yield this.#lineEndingIn(part);
    }
    this.#keep(chunk.subarray(start));
  }

  #lineEndingIn(part: Buffer): string {
    if (this.#length === 0 && part.length <= this.#mostBytes) return part.toString('utf8');
    this.#keep(part);
    const line = this.#pending.toString('utf8', 0, this.#length);
    this.#pending = Buffer.alloc(0);
    this.#length = 0;
    return line;
  }

  #keep(part: Buffer): void {
    const length = this.#length + part.length;
    if (length > this.#mostBytes) throw new ProtocolViolation('a line that is too long');
    if (length > this.#pending.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.#pending.copy(larger, 0, 0, this.#length);
      this.#pending = larger;
    }
    part.copy(this.#pending, this.#length);
    this.#length = length;
  }
}
