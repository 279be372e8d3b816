import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { limits } from '../../domain/limits.ts';
import { cleanText } from '../clean-text.ts';
import { BodyCollector } from './body-collector.ts';
import type { HttpOutcome, HttpRequest } from './gateway.ts';
import { toHttpFailure, type HttpFailure } from './http-failure.ts';
import type { Asker } from './lookup-queue.ts';

type Controller = Dispatcher.DispatchController;

/** Collects one response, bounded in size, and in time to the connection and to its end. The first outcome counts. */
export class ResponseCollector implements Dispatcher.DispatchHandler, Asker {
  readonly outcome: Promise<HttpOutcome>;
  readonly organization: string;
  readonly #where: string;
  readonly #settle: (outcome: HttpOutcome) => void;
  readonly #connecting: NodeJS.Timeout;
  readonly #underWay: NodeJS.Timeout;
  #settled = false;
  #controller: Controller | undefined;
  #socket: Socket | undefined;
  #head: { status: number; reason: string; headers: [string, string][] } | undefined;
  readonly #body = new BodyCollector();
  #informational = 0;

  constructor(
    { connectMs, totalMs, organization }: Required<Pick<HttpRequest, 'connectMs' | 'totalMs' | 'organization'>>,
    where: string,
    signal: AbortSignal,
  ) {
    this.#where = where;
    this.organization = organization;
    const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
    this.outcome = promise;
    const aborted = () => {
      this.fail({ code: 'http_aborted', message: `${where}: the run ended while the request was under way` });
    };
    this.#settle = (outcome) => {
      if (this.#settled) return;
      this.#settled = true;
      clearTimeout(this.#connecting);
      clearTimeout(this.#underWay);
      signal.removeEventListener('abort', aborted);
      resolve(outcome);
    };
    this.#connecting = setTimeout(() => {
      this.fail({ code: 'http_connect_timeout', message: `${where}: no connection within ${seconds(connectMs)}` });
    }, connectMs);
    this.#underWay = setTimeout(() => {
      this.fail({ code: 'http_read_timeout', message: `${where}: no whole answer within ${seconds(totalMs)}` });
    }, totalMs);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  }

  get isWaiting(): boolean {
    return !this.#settled;
  }

  /** A connection is being made for the request. */
  connecting(socket: Socket): void {
    if (this.#settled) socket.destroy(new Error('nobody waits for it'));
    else this.#socket = socket;
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    clearTimeout(this.#connecting);
    // The wait was over before there was a connection: nothing is sent any more.
    if (this.#settled) controller.abort(new Error('nobody waits for it'));
  }

  onResponseStart(_controller: Controller, status: number, headers: IncomingHttpHeaders, reason = ''): void {
    if (status < 200) {
      // Early hints and the like: the answer is still to come.
      this.#informational += 1;
      if (this.#informational > limits.httpInformationalResponses) this.#tooLarge('the response has too many heads');
      return;
    }
    this.#head = { status, reason: cleanText(reason), headers: flat(headers) };
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    const excess = this.#body.add(chunk);
    if (excess !== undefined) this.#tooLarge(excess);
  }

  onResponseEnd(): void {
    if (this.#head === undefined) return;
    this.#settle({ ok: true, response: { ...this.#head, body: this.#body.whole() } });
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.fail(toHttpFailure(error, this.#where));
  }

  #tooLarge(how: string): void {
    this.fail({ code: 'http_response_too_large', message: `${this.#where}: ${how}` });
  }

  /** Also of what never came to be sent. */
  fail(failure: HttpFailure): void {
    this.#settle({ ok: false, failure });
    // Also the attempt to connect ends: many that nobody waits for would take the worker's descriptors.
    if (this.#controller === undefined) this.#socket?.destroy(new Error(failure.message));
    else this.#controller.abort(new Error(failure.message));
  }
}

function flat(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value = '']) =>
    [value].flat().map((one): [string, string] => [name, cleanText(one)]),
  );
}

function seconds(ms: number): string {
  return `${String(ms / 1_000)} s`;
}
