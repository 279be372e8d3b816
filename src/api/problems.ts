import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Problem } from '../contract/problem.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Log } from '../observability/log.ts';
import { logRequestFailed } from '../observability/server-log.ts';
import { toStoreError } from '../store/database.ts';
import type { ApiEnvironment } from './environment.ts';
import { answerEventFault, isEventsPath } from './event-faults.ts';

export type ApiContext = Context<ApiEnvironment>;

const retryAfterSeconds = 5;

/** The one way from whatever was thrown to an answer: problem+json, and one log line for what is our fault. */
export function createErrorAnswer(log: Log): (error: unknown, c: ApiContext) => Promise<Response> {
  return async (error, c) => answerProblem(c, await answeredError(error, c, log));
}

/** The same of one thing among several that a request asked for. */
export async function problemOf(error: unknown, c: ApiContext, log: Log): Promise<Problem> {
  return toProblem(await answeredError(error, c, log), c);
}

async function answeredError(error: unknown, c: ApiContext, log: Log): Promise<AfterwordError> {
  const known = await toKnownError(error, c);
  const answered = known ?? new AfterwordError('internal', 'Something unforeseen happened.', { cause: error });
  if (answered.entry.httpStatus >= 500) {
    const facts = { requestId: c.get('requestId'), method: c.req.method, path: c.req.path };
    logRequestFailed(log, facts, answered.code, error);
  }
  return answered;
}

/** undefined: nothing that a reader could do anything about, and nothing that may be shown. */
async function toKnownError(error: unknown, c: ApiContext): Promise<AfterwordError | undefined> {
  if (error instanceof AfterwordError) {
    if (error.entry.kind === 'setup' || error.entry.kind === 'internal') return undefined;
    return error.entry.kind === 'unavailable' ? withoutAddresses(error) : error;
  }
  if (error instanceof HTTPException) return fromHono(error, c);
  const storeError = toStoreError(error);
  return storeError === undefined ? undefined : withoutAddresses(storeError);
}

/** A driver's message names hosts, ports and users: that is for the log. */
function withoutAddresses(error: AfterwordError): AfterwordError {
  return new AfterwordError(error.code, `${error.entry.title}.`, { cause: error });
}

/** What Hono's body validator throws: 400 for a body that does not parse, 415 for a content type that is not JSON. */
async function fromHono(error: HTTPException, c: ApiContext): Promise<AfterwordError | undefined> {
  if (error.status === 415) {
    const given = c.req.header('content-type');
    const what = given === undefined ? 'no Content-Type' : `the Content-Type "${given.slice(0, 100)}"`;
    return new AfterwordError('invalid_json', `The request has ${what}; application/json is expected.`);
  }
  if (error.status === 400) return new AfterwordError('invalid_json', whyNotJson(await c.req.text()));
  return undefined;
}

function whyNotJson(body: string): string {
  if (body.trim() === '') return 'The body is empty.';
  try {
    JSON.parse(body);
    return 'The body could not be read.';
  } catch (error) {
    return error instanceof Error ? `${error.message.slice(0, 300)}.` : 'The body could not be read.';
  }
}

export function answerProblem(c: ApiContext, error: AfterwordError): Response {
  const { httpStatus } = error.entry;
  if (httpStatus === 401) c.header('WWW-Authenticate', 'Bearer');
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) c.header('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
  else if (httpStatus === 503) c.header('Retry-After', String(retryAfterSeconds));
  if (isEventsPath(c.req.path)) return answerEventFault(c, error);
  c.header('Content-Type', 'application/problem+json');
  const { body, headers } = c.body(JSON.stringify(toProblem(error, c)));
  return new Response(body, { status: httpStatus, headers });
}

function toProblem(error: AfterwordError, c: ApiContext): Problem {
  const { title, httpStatus, mend } = error.entry;
  return {
    type: `urn:afterword:error:${error.code}`,
    title,
    status: httpStatus,
    detail: error.message,
    code: error.code,
    mend,
    errors: [...error.fields],
    requestId: c.get('requestId'),
  };
}
