import type { JsonValue } from '../contract/json.ts';
import { LineSplitter, parseChildMessage, ProtocolViolation, type ChildMessage } from './child-messages.ts';
import { firstBytes } from '../domain/utf8.ts';
import { cleanJson, cleanText, UncleanJson } from './clean-text.ts';
import { usedUpMemory } from './exit-report.ts';
import { excessOf, toRegisteredEvent } from './registered-events.ts';
import type {
  FailureReason,
  HandlerFailure,
  LogStream,
  RegisteredEvent,
  SandboxCall,
  SandboxLimits,
  SandboxRequest,
} from './sandbox.ts';

/** What one conversation with a child comes to, in the order it happened. */
export type ConversationEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'setup_failed'; readonly message: string }
  | { readonly kind: 'log'; readonly stream: LogStream; readonly text: string }
  | { readonly kind: 'call'; readonly id: number; readonly call: SandboxCall }
  | { readonly kind: 'bad_call'; readonly id: number; readonly message: string }
  | { readonly kind: 'request'; readonly id: number; readonly request: SandboxRequest }
  | { readonly kind: 'bad_request'; readonly id: number; readonly message: string }
  /** Nothing follows. */
  | { readonly kind: 'succeeded'; readonly result: JsonValue; readonly events: readonly RegisteredEvent[] }
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      readonly error: HandlerFailure;
      readonly events: readonly RegisteredEvent[];
    };

/** What stands around arguments and results, and the runner's own messages: at most a traceback, all of it escaped. */
const mostEnvelopeBytes = 320 << 10;

/** As both runners begin a request. Nothing else may be as long as its body makes it. */
const requestStart = '{"t":"fetch",';

/** Each of the texts that say how a handler failed. */
const mostToldBytes = 64 << 10;

/** How many calls and requests may be under way at once. */
export interface InFlight {
  readonly calls: number;
  readonly requests: number;
  readonly together: number;
}

/**
 * The host's side of the protocol, without any input or output: bytes in, checked events out. Knows what may come when:
 * `started` once and first, calls numbered from 1 and no more at a time than allowed, nothing after `done`.
 */
export class HandlerConversation {
  readonly #limits: SandboxLimits;
  readonly #most: InFlight;
  readonly #lines: LineSplitter;
  readonly #mostCharacters: number;
  #state: 'starting' | 'running' | 'over' = 'starting';
  #calls = 0;
  readonly #unanswered = { calls: 0, requests: 0 };
  #outputBytes = 0;

  constructor(limits: SandboxLimits, most: InFlight = { calls: 1, requests: 1, together: 1 }) {
    this.#limits = limits;
    this.#most = most;
    const request = 2 * limits.requestBytes + 2 * limits.requestHeadBytes;
    const other = Math.max(limits.callBytes, limits.resultBytes + limits.eventBytes);
    this.#lines = new LineSplitter(Math.max(other, request) + mostEnvelopeBytes);
    this.#mostCharacters = other + mostEnvelopeBytes;
  }

  get started(): boolean {
    return this.#state !== 'starting';
  }

  *push(chunk: Buffer): Generator<ConversationEvent> {
    if (this.#over()) return;
    try {
      for (const line of this.#lines.push(chunk)) {
        yield* this.#take(this.#parse(line));
        if (this.#over()) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      yield this.#end('crashed', 'ProtocolViolation', violation(error.message));
    }
  }

  #parse(line: string): ChildMessage {
    // Looked at before it is read: a million empty lists cost as much as the longest request allows.
    const long = line.length > this.#mostCharacters;
    if (long && !line.startsWith(requestStart)) throw new ProtocolViolation('a line that is too long');
    const message = parseChildMessage(line);
    if (long && message.t !== 'fetch') throw new ProtocolViolation('a line that is too long');
    return message;
  }

  /** The answer to one of those in flight has been taken. */
  answered(kind: 'calls' | 'requests'): void {
    this.#unanswered[kind] -= 1;
  }

  #over(): boolean {
    return this.#state === 'over';
  }

  *#take(message: ChildMessage): Generator<ConversationEvent> {
    if (message.t === 'started' || message.t === 'setup_failed') {
      if (this.started) throw new ProtocolViolation(`${message.t} after the start`);
      this.#state = message.t === 'started' ? 'running' : 'over';
      yield message.t === 'started'
        ? { kind: 'started' }
        : { kind: 'setup_failed', message: cleanText(message.message) };
      return;
    }
    if (!this.started) throw new ProtocolViolation(`${message.t} before the start`);
    if (message.t === 'log') yield* this.#log(message.s, cleanText(message.d));
    else if (message.t === 'call') yield this.#call(message);
    else if (message.t === 'fetch') yield this.#request(message);
    else yield this.#done(message);
  }

  *#log(stream: LogStream, text: string): Generator<ConversationEvent> {
    const left = this.#limits.outputBytes - this.#outputBytes;
    const bytes = Buffer.byteLength(text);
    this.#outputBytes += bytes;
    const kept = bytes > left ? firstBytes(text, left) : text;
    if (kept !== '') yield { kind: 'log', stream, text: kept };
    if (bytes <= left) return;
    const most = String(this.#limits.outputBytes);
    yield this.#end(
      'limit_exceeded',
      'OutputTooLong',
      `The handler printed more than the ${most} bytes allowed for stdout and stderr together. Print less.`,
    );
  }

  /** Calls and requests are numbered together, from 1. */
  #begin(id: number, kind: 'calls' | 'requests'): void {
    const { calls, requests } = this.#unanswered;
    if (this.#unanswered[kind] >= this.#most[kind] || calls + requests >= this.#most.together) {
      throw new ProtocolViolation('a call before the last one was answered');
    }
    if (id !== this.#calls + 1) throw new ProtocolViolation('a call out of order');
    this.#calls = id;
    this.#unanswered[kind] += 1;
  }

  #call(message: Extract<ChildMessage, { t: 'call' }>): ConversationEvent {
    this.#begin(message.id, 'calls');
    try {
      const args = Object.entries(message.args).map(([name, value]) => [cleanText(name), cleanJson(value)] as const);
      return { kind: 'call', id: message.id, call: { name: cleanText(message.name), args: Object.fromEntries(args) } };
    } catch (error) {
      if (!(error instanceof UncleanJson)) throw error;
      return {
        kind: 'bad_call',
        id: message.id,
        message: `${cleanText(message.name)}(): an argument ${error.message}.`,
      };
    }
  }

  #request(message: Extract<ChildMessage, { t: 'fetch' }>): ConversationEvent {
    this.#begin(message.id, 'requests');
    const { id, connect, read, insecure } = message;
    const body = Buffer.from(message.body, 'base64');
    const { requestBytes, requestHeadBytes } = this.#limits;
    const headers = message.headers.map(([name, value]) => [cleanText(name), cleanText(value)] as const);
    // As on the wire: `name: value` and the end of the line. Else headers without a letter would cost nothing.
    const head = [message.method, message.url, ...headers.map(([name, value]) => `${name}: ${value}\r\n`)].join('');
    const tooLarge = (what: string, most: number) => `${what} more than the ${String(most)} bytes allowed`;
    if (body.length > requestBytes) return { kind: 'bad_request', id, message: tooLarge('its body has', requestBytes) };
    if (Buffer.byteLength(head) > requestHeadBytes) {
      return { kind: 'bad_request', id, message: tooLarge('its URL and headers have', requestHeadBytes) };
    }
    // A number of seconds may be finite and its milliseconds not.
    const ms = (seconds: number | null) =>
      seconds === null ? undefined : Math.min(Math.ceil(seconds * 1_000), Number.MAX_SAFE_INTEGER);
    const [method, url] = [cleanText(message.method), cleanText(message.url)];
    const request = { method, url, headers, body, connectMs: ms(connect), readMs: ms(read), insecure };
    return { kind: 'request', id, request };
  }

  #done(message: Extract<ChildMessage, { t: 'done' }>): ConversationEvent {
    const events = message.events.map(toRegisteredEvent);
    const excess = excessOf(events, this.#limits);
    if (!message.ok) {
      return this.#end(
        message.reason,
        told(message.type),
        // The child was short of words too.
        message.reason === 'out_of_memory' ? usedUpMemory(this.#limits) : told(message.message),
        told(message.traceback),
        excess === null ? events : [],
      );
    }
    if (excess !== null) return this.#end('limit_exceeded', 'TooManyEvents', excess);
    try {
      const result = cleanJson(message.v);
      const size = Buffer.byteLength(JSON.stringify(result));
      if (size > this.#limits.resultBytes) {
        const most = String(this.#limits.resultBytes);
        const text = `The result is ${String(size)} bytes of JSON, more than the ${most} allowed. Return less.`;
        return this.#end('limit_exceeded', 'ResultTooLarge', text);
      }
      this.#state = 'over';
      return { kind: 'succeeded', result, events };
    } catch (error) {
      if (!(error instanceof UncleanJson)) throw error;
      return this.#end('not_json', 'NotJson', `What the handler returned ${error.message}.`);
    }
  }

  #end(
    reason: FailureReason,
    type: string,
    message: string,
    traceback = '',
    events: readonly RegisteredEvent[] = [],
  ): ConversationEvent {
    this.#state = 'over';
    return { kind: 'failed', reason, error: { type, message, traceback }, events };
  }
}

/** Our runner keeps its words short; whoever forges them may not fill the store. */
function told(text: string): string {
  return firstBytes(cleanText(text), mostToldBytes);
}

function violation(what: string): string {
  return `The handler's process sent ${what} and was stopped. Handlers must leave the descriptors they inherit alone.`;
}
