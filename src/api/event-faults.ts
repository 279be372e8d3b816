import type { Context } from 'hono';
import type { EventFault } from '../contract/timeline-event.ts';
import type { AfterwordError } from '../domain/errors.ts';
import type { ApiEnvironment } from './environment.ts';

/** Syllable's clients read only its own shape of errors there, as plain application/json. */
export function isEventsPath(path: string): boolean {
  return /^\/api\/v1\/events\/?$/.test(path);
}

/** 422 with a list of faults where the request is wrong, else the status of the error and a text. */
export function answerEventFault(c: Context<ApiEnvironment>, error: AfterwordError): Response {
  c.header('Content-Type', 'application/json');
  const { kind, httpStatus } = error.entry;
  const isFault = (kind === 'input' && httpStatus === 400) || httpStatus === 422;
  const body = isFault ? faultOf(c, error) : { detail: error.message, code: error.code, mend: error.entry.mend };
  const { body: text, headers } = c.body(JSON.stringify(body));
  return new Response(text, { status: isFault ? 422 : httpStatus, headers });
}

function faultOf(c: Context<ApiEnvironment>, error: AfterwordError): EventFault {
  const place = c.req.method === 'GET' ? 'query' : 'body';
  const faults = error.fields.length > 0 ? error.fields : [{ field: '', message: error.message }];
  return {
    detail: faults.map(({ field, message }) => ({
      loc: [place, ...(field === '' ? [] : field.split('.').map(toStep))],
      msg: message,
      type: 'value_error',
    })),
  };
}

function toStep(step: string): string | number {
  return /^\d+$/.test(step) ? Number(step) : step;
}
