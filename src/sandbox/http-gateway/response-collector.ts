import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { limits } from '../../domain/limits.ts';
import { cleanText } from '../clean-text.ts';
import type { HttpOutcome, HttpRequest } from './gateway.ts';
import { toHttpFailure, type HttpFailure } from './http-failure.ts';

type Controller = Dispatcher.DispatchController;

/** Collects one response, bounded in time until the connection stands and in size. The first outcome counts. */
export class ResponseCollector implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<HttpOutcome>;
  readonly #where: string;
  readonly #settle: (outcome: HttpOutcome) => void;
  readonly #connecting: NodeJS.Timeout;
  #settled = false;
  #controller: Controller | undefined;
  #head: { status: number; reason: string; headers: [string, string][] } | undefined;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor({ connectMs }: Pick<HttpRequest, 'connectMs'>, where: string, signal: AbortSignal) {
    this.#where = where;
    const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
    this.outcome = promise;
    const aborted = () => {
      this.#fail({ code: 'http_aborted', message: `${where}: the run ended while the request was under way` });
    };
    this.#settle = (outcome) => {
      if (this.#settled) return;
      this.#settled = true;
      clearTimeout(this.#connecting);
      signal.removeEventListener('abort', aborted);
      resolve(outcome);
    };
    this.#connecting = setTimeout(() => {
      this.#fail({ code: 'http_connect_timeout', message: `${where}: no connection within ${seconds(connectMs)}` });
    }, connectMs);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    clearTimeout(this.#connecting);
    // The wait was over before there was a connection: nothing is sent any more.
    if (this.#settled) controller.abort(new Error('nobody waits for it'));
  }

  onResponseStart(_controller: Controller, status: number, headers: IncomingHttpHeaders, reason = ''): void {
    // Early hints and the like: the answer is still to come.
    if (status < 200) return;
    this.#head = { status, reason: cleanText(reason), headers: flat(headers) };
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > limits.httpResponseBytes) this.#tooLarge(controller);
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#head === undefined) return;
    this.#settle({ ok: true, response: { ...this.#head, body: Buffer.concat(this.#chunks) } });
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#fail(toHttpFailure(error, this.#where));
  }

  #tooLarge(controller: Controller): void {
    const most = `${String(limits.httpResponseBytes / (1 << 20))} MB`;
    this.#fail({ code: 'http_response_too_large', message: `${this.#where}: the response is larger than ${most}` });
    controller.abort(new Error('the response is too large'));
  }

  #fail(failure: HttpFailure): void {
    this.#settle({ ok: false, failure });
    this.#controller?.abort(new Error(failure.message));
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
