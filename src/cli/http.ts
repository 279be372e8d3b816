import { z } from 'zod';
import { AfterwordError, errorTable } from '../domain/errors.ts';
import type { ErrorCode, FieldError } from '../domain/errors.ts';

const requestTimeoutMs = 30_000;

/** A refusal in the server's own words (RFC 9457); the code may be one that this version does not know. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;
  readonly mend: string;
  readonly fields: readonly FieldError[];

  constructor(problem: { status: number; code: string; detail: string; mend: string; fields: readonly FieldError[] }) {
    super(problem.detail);
    this.status = problem.status;
    this.code = problem.code;
    this.mend = problem.mend;
    this.fields = problem.fields;
  }
}

const ProblemBody = z.object({
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  mend: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** Aborted: the promise is rejected with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Throws `server_unreachable` when no answer comes. */
export async function send(request: HttpRequest): Promise<HttpAnswer> {
  const timeoutMs = request.timeoutMs ?? requestTimeoutMs;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: {
        accept: 'application/json',
        ...(request.key === undefined ? {} : { authorization: `Bearer ${request.key}` }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.any([request.signal, timeout]),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (request.signal.aborted) throw error;
    const reason = timeout.aborted ? `no answer within ${timeoutMs / 1_000} s` : connectionFault(error);
    throw new AfterwordError('server_unreachable', `${new URL(request.url).origin} does not answer: ${reason}.`, {
      cause: error,
    });
  }
}

/** The answer's JSON as `schema` says. Throws ApiProblem for a refusal, `server_unreachable` where something else answers. */
export async function sendForJson<T>(request: HttpRequest, schema: z.ZodType<T>): Promise<T> {
  const answer = await send(request);
  const json = parseJson(answer.text);
  if (answer.status >= 300) throw toProblem(request, answer, json);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const place = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new AfterwordError(
    'server_unreachable',
    `${request.url} answered, but not as this version of the command line expects${place === '' ? '' : ` (at ${place})`}: ` +
      'another program listens there, or the versions differ.',
    { cause: parsed.error },
  );
}

function toProblem(request: HttpRequest, answer: HttpAnswer, json: unknown): Error {
  const body = ProblemBody.safeParse(json).data;
  if (body === undefined) {
    return new AfterwordError(
      'server_unreachable',
      `${request.url} answered ${answer.status}, but not in Afterword’s words: is it the right address?`,
    );
  }
  const known = isErrorCode(body.code) ? errorTable[body.code] : undefined;
  return new ApiProblem({
    status: answer.status,
    code: body.code,
    detail: body.detail ?? body.title ?? known?.title ?? body.code,
    mend: body.mend ?? known?.mend ?? '',
    fields: body.errors ?? [],
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Node wraps what happened in `cause`, for several addresses in an AggregateError. */
function connectionFault(error: unknown): string {
  const fault = z.object({ cause: z.object({ code: z.string() }) }).safeParse(error).data;
  const plain: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'its name is not known',
    ECONNRESET: 'the connection broke',
    UND_ERR_SOCKET: 'the connection broke',
  };
  if (fault === undefined) return error instanceof Error ? error.message : String(error);
  return `${plain[fault.cause.code] ?? 'the connection failed'} (${fault.cause.code})`;
}
