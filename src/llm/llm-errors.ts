import OpenAI from 'openai';
import { ContentFilterFinishReasonError, LengthFinishReasonError } from 'openai/error';
import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import { retryAfterMsOf } from '../domain/retry-after.ts';

/** An answer came, and it is none. */
export function unusable(why: string, cause?: unknown): AfterwordError {
  return new AfterwordError('llm_failed', `the LLM gave no answer that can be used: ${why}`, { cause });
}

/** The API took the request and then failed. */
export function failedAnswer(error: { code: string; message: string } | null): AfterwordError {
  const why = error === null ? 'no reason given' : `${error.code}: ${shortened(error.message)}`;
  const again = error === null || error.code === 'server_error' || error.code === 'rate_limit_exceeded';
  return again ? unavailable(`the LLM failed (${why})`) : unusable(`it failed (${why})`);
}

/** What the client threw, as one of ours: another try helps, or it does not. */
export function toAfterwordError(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof AfterwordError) return error;
  // The activity was cancelled or its worker stops: not for us to judge.
  if (signal.aborted) return error;
  if (error instanceof OpenAI.APIConnectionTimeoutError) return unavailable('the LLM did not answer in time', error);
  if (error instanceof OpenAI.APIConnectionError && error.cause instanceof AfterwordError) return error.cause;
  if (error instanceof OpenAI.APIConnectionError) return unavailable('the LLM cannot be reached', error);
  if (error instanceof LengthFinishReasonError) return unusable('its answer is incomplete (length)', error);
  if (error instanceof ContentFilterFinishReasonError) return unusable('its content filter kept it back', error);
  if (error instanceof OpenAI.APIError) return fromStatus(error);
  // What stands in the body is no JSON, or none of the schema's.
  return unusable('it did not keep to the schema', error);
}

/** What the client's own error says; its type leaves all of it open. */
const ApiFailure = z.object({
  status: z.number().optional(),
  code: z.string().nullish(),
  message: z.string(),
  headers: z.instanceof(Headers).optional(),
});

function fromStatus(error: Error): AfterwordError {
  const { status, code, message, headers } = ApiFailure.parse(error);
  // Without a status it is what the body of a 200 says of itself.
  const what = `${status === undefined ? 'an error' : String(status)}${code == null ? '' : ` ${code}`}`;
  // No 429 of money passes by itself.
  const paid = code !== 'insufficient_quota';
  if (paid && (status === undefined || status >= 500 || [408, 409, 425, 429].includes(status))) {
    return unavailable(`the LLM answered ${what}`, error, retryAfterMsOf(headers));
  }
  if (status === 401 || status === 403) {
    return new AfterwordError('llm_failed', `the LLM answered ${what}: it does not take the API key of the worker`, {
      cause: error,
    });
  }
  return new AfterwordError('llm_failed', `the LLM answered ${what}: ${shortened(message)}`, { cause: error });
}

function unavailable(message: string, cause?: unknown, retryAfterMs?: number): AfterwordError {
  return new AfterwordError('helper_unavailable', message, { cause, retryAfterMs });
}

function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
