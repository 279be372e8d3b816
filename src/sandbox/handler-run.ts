import { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { wallMsLeft } from './exec-message.ts';
import { describeExit, timedOut } from './exit-report.ts';
import type { ForkedChild } from './fork-server.ts';
import { HandlerConversation, type ConversationEvent, type InFlight } from './handler-conversation.ts';
import { messagePace, workPace } from './pace.ts';
import {
  SandboxError,
  type CallReply,
  type HandlerFailure,
  type RequestReply,
  type SandboxHost,
  type SandboxProgram,
  type SandboxResult,
} from './sandbox.ts';

/** From connecting to the first line of the handler: 4 ms on an idle core; this is for a machine on its knees. */
const startTimeoutMs = 20_000;
/** From closing the connection to the process's end: 7 ms on an idle machine. */
const killTimeoutMs = 10_000;

type Ending = { readonly result: SandboxResult } | { readonly error: Error };

/** What a language does differently. */
export interface HandlerStart {
  /** A child that waits for its handler; undefined once `unwanted()`. Its socket may be corked. */
  readonly open: (unwanted: () => boolean) => Promise<ForkedChild | undefined>;
  /** The message that the context follows. */
  readonly execMessage: (contextBytes: number) => string;
  readonly inFlight?: InFlight;
}

/** One execution: one connection, one process. Settles when the process is gone. */
export class HandlerRun {
  readonly #program: SandboxProgram;
  readonly #host: SandboxHost;
  readonly #start: HandlerStart;
  readonly #conversation: HandlerConversation;
  readonly #messages = messagePace();
  readonly #work = workPace();
  #socket: Socket | undefined;
  #ending: Ending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedAt: number | undefined;

  constructor(program: SandboxProgram, host: SandboxHost, start: HandlerStart) {
    this.#program = program;
    this.#host = host;
    this.#start = start;
    this.#conversation = new HandlerConversation(program.limits, start.inFlight);
  }

  async run(signal?: AbortSignal): Promise<SandboxResult> {
    const abort = () => {
      this.#end({ result: { outcome: 'aborted', runMs: this.#runMs() } });
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#deadline(startTimeoutMs, () => ({ error: new SandboxError('The handler could not be started in time') }));
    try {
      if (signal?.aborted) abort();
      return await this.#converse();
    } finally {
      clearTimeout(this.#timer);
      signal?.removeEventListener('abort', abort);
      this.#socket?.destroy();
    }
  }

  async #converse(): Promise<SandboxResult> {
    const child = await this.#start.open(() => this.#ending !== undefined);
    if (!child) return settle(this.#ending);
    const { socket, runtime, exited } = child;
    this.#socket = socket;
    // One that was started ahead may have died since.
    const closed = socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve));
    // Calls are made in the async context of this run, also where the child was started ahead.
    const hear = AsyncResource.bind((chunk: Buffer) => {
      this.#hear(chunk);
    });
    socket.on('data', hear);
    const context = Buffer.from(this.#program.contextJson);
    socket.cork();
    socket.write(this.#start.execMessage(context.length));
    socket.write(context);
    while (socket.writableCorked > 0) socket.uncork();
    await closed;
    clearTimeout(this.#timer);
    // Should the fork server die now, an answer that is already here still counts: its children die with it.
    const report = await within(
      killTimeoutMs,
      exited.catch(this.#unlessEnded),
      'The process of a handler could not be ended',
    );
    if (this.#ending || !report) return settle(this.#ending);
    if (!this.#conversation.started) throw new SandboxError('The process of a handler ended before it ran');
    return describeExit(report, runtime, this.#program.limits, this.#runMs());
  }

  readonly #unlessEnded = (serverGone: unknown): undefined => {
    if (!this.#ending) throw asError(serverGone);
  };

  #hear(chunk: Buffer): void {
    const from = performance.now();
    let events = 0;
    try {
      for (const event of this.#conversation.push(chunk)) {
        if (this.#ending) return;
        this.#handle(event);
        events += 1;
      }
    } catch (error) {
      this.#end({ error: asError(error) }); // the host's own `log` or `call` threw
    }
    this.#throttle(events, from);
  }

  /** A handler that talks without end must not take the event loop from its neighbours: it is made to wait. */
  #throttle(events: number, from: number): void {
    const now = performance.now();
    // A chunk that completes no message costs as much as one that does.
    const pauseMs = Math.max(this.#messages.take(Math.max(1, events), now), this.#work.take(now - from, now));
    if (pauseMs <= 0) return;
    this.#socket?.pause();
    setTimeout(() => this.#socket?.resume(), pauseMs);
  }

  #handle(event: ConversationEvent): void {
    switch (event.kind) {
      case 'started':
        this.#startedAt = performance.now();
        this.#deadline(wallMsLeft(this.#program.limits), () => ({
          result: timedOut(this.#program.limits, this.#runMs()),
        }));
        break;
      case 'setup_failed':
        this.#end({ error: new SandboxError(`The cage could not be made: ${event.message}`) });
        break;
      case 'log':
        this.#host.log(event.stream, event.text);
        break;
      case 'call':
        this.#answer('calls', this.#host.call(event.call), (reply) => callReply(event.id, reply));
        break;
      case 'bad_call':
        this.#reply('calls', callReply(event.id, refused('invalid_arguments', event.message)));
        break;
      case 'request':
        this.#answer('requests', this.#host.request(event.request), (reply) => requestReply(event.id, reply));
        break;
      case 'bad_request':
        this.#reply(
          'requests',
          requestReply(event.id, refused('http_invalid_request', `The request is not sent: ${event.message}.`)),
        );
        break;
      case 'succeeded':
        this.#end({
          result: { outcome: 'succeeded', result: event.result, events: event.events, runMs: this.#runMs() },
        });
        break;
      case 'failed':
        // Ours to print, not the child's: it must not count as output of the handler's.
        this.#host.log('stderr', printed(event.error));
        this.#end({
          result: {
            outcome: 'failed',
            reason: event.reason,
            error: event.error,
            events: event.events,
            runMs: this.#runMs(),
          },
        });
    }
  }

  #answer<Reply>(kind: 'calls' | 'requests', reply: Promise<Reply>, messageOf: (reply: Reply) => object): void {
    reply.then(
      (answer) => {
        if (!this.#ending) this.#reply(kind, messageOf(answer));
      },
      (error: unknown) => {
        this.#end({ error: asError(error) });
      },
    );
  }

  #reply(kind: 'calls' | 'requests', message: object): void {
    // Answered once the child has taken it: one that asks and never reads would fill the worker with answers.
    this.#socket?.write(`${JSON.stringify(message)}\n`, (error) => {
      if (!error) this.#conversation.answered(kind);
    });
  }

  /** The first ending counts. Closing the connection is the kill. */
  #end(ending: Ending): void {
    if (this.#ending) return;
    this.#ending = ending;
    this.#socket?.destroy();
  }

  #deadline(ms: number, ending: () => Ending): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // What had arrived by then is read first: a busy host comes to its timers before it comes to its sockets.
      setImmediate(() => {
        this.#end(ending());
      });
    }, ms);
  }

  #runMs(): number {
    return this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
  }
}

function callReply(id: number, answer: CallReply): object {
  return answer.ok ? { t: 'ret', id, v: answer.value } : { t: 'ret', id, err: answer.error };
}

function requestReply(id: number, answer: RequestReply): object {
  if (!answer.ok) return { t: 'ret', id, err: answer.error };
  const { body, ...head } = answer.response;
  return { t: 'ret', id, v: { ...head, body: body.toString('base64') } };
}

function refused(code: string, message: string): { ok: false; error: { code: string; message: string } } {
  return { ok: false, error: { code, message } };
}

/** As Python prints an exception, also where the handler has no line to show. */
function printed({ type, message, traceback }: HandlerFailure): string {
  return traceback === '' ? `${type}: ${message}\n` : traceback;
}

function settle(ending: Ending | undefined): SandboxResult {
  if (ending && 'result' in ending) return ending.result;
  throw ending?.error ?? new SandboxError('The run was ended before it began');
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new SandboxError(String(thrown), { cause: thrown });
}

async function within<T>(ms: number, promise: Promise<T>, complaint: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SandboxError(complaint));
    }, ms);
  });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}
