import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import { retryAfterMsOf } from '../domain/retry-after.ts';

function hasGet(headers: unknown): boolean {
  return typeof headers === 'object' && headers !== null && 'get' in headers && typeof headers.get === 'function';
}

/** What Gaxios throws; matched by shape, since several copies of its class may be installed. */
const Failure = z.object({
  response: z.object({
    status: z.number(),
    // Not the platform's class: the client brings one of its own.
    headers: z.custom<Pick<Headers, 'get'>>(hasGet).optional().catch(undefined),
    data: z.unknown(),
  }),
});

/** AIP-193, the shape of Google's errors. */
const ApiError = z.object({
  error: z.object({
    message: z.string().default(''),
    status: z.string().default(''),
    details: z.array(z.object({ reason: z.string().optional() })).default([]),
  }),
});

/** RFC 6749, the shape of the token endpoint's. */
const TokenError = z.object({ error: z.string(), error_description: z.string().default('') });

export function isBadRequest(error: unknown): boolean {
  return Failure.safeParse(error).data?.response.status === 400;
}

export function isUnauthorized(error: unknown): boolean {
  return Failure.safeParse(error).data?.response.status === 401;
}

/** What the client threw, as one of ours; `email` is the service account's. */
export function toAfterwordError(error: unknown, email: string, cancelled: AbortSignal): unknown {
  if (error instanceof AfterwordError || cancelled.aborted) return error;
  const failure = Failure.safeParse(error);
  if (!failure.success) return unavailable('Google Sheets cannot be reached, or did not answer in time', error);
  const { status, headers, data } = failure.data.response;
  const token = TokenError.safeParse(data);
  if (token.success && status < 500 && status !== 429) {
    const said = `${token.data.error}${token.data.error_description === '' ? '' : `: ${token.data.error_description}`}`;
    return refused(`Google does not take the key of ${email} (${said})`, error);
  }
  const { message, status: name, details } = ApiError.safeParse(data).data?.error ?? nothingSaid;
  const reasons = details.flatMap(({ reason }) => reason ?? []);
  const limited = status === 403 && (reasons.includes('RATE_LIMIT_EXCEEDED') || name === 'RESOURCE_EXHAUSTED');
  if (status >= 500 || status === 429 || status === 408 || limited) {
    const what = status === 429 || limited ? 'its quota is used up' : `it answered ${String(status)}`;
    return unavailable(`Google Sheets cannot serve this now: ${what}`, error, headers);
  }
  if (status === 404) {
    return new AfterwordError('sheet_not_found', 'Google knows no spreadsheet with this id', { cause: error });
  }
  if (/protected/i.test(message)) {
    return new AfterwordError('sheet_protected', `${email} may not write there: ${message}`, { cause: error });
  }
  if (status === 403 && !reasons.includes('SERVICE_DISABLED')) {
    const text = `the spreadsheet is not shared with ${email} as an editor (${message})`;
    return new AfterwordError('sheet_not_shared', text, { cause: error });
  }
  return refused(`Google answered ${String(status)} ${name}: ${message.slice(0, 300)}`, error);
}

const nothingSaid = { message: '', status: '', details: [] };

function refused(message: string, cause: unknown): AfterwordError {
  return new AfterwordError('google_refused', message, { cause });
}

function unavailable(message: string, cause: unknown, headers?: Pick<Headers, 'get'>): AfterwordError {
  return new AfterwordError('helper_unavailable', message, { cause, retryAfterMs: retryAfterMsOf(headers) });
}
