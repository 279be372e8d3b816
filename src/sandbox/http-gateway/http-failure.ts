import { limits } from '../../domain/limits.ts';
import { AddressRefused, EgressRefused } from './checked-lookup.ts';
import type { EgressRefusal } from './egress-policy.ts';

/** Why a request has no answer. The cage turns each into the exception that `requests` raises for it. */
export type HttpFailureCode =
  /** A private address, a host that a list refuses, or a protocol that is not carried. */
  | 'http_refused'
  | 'http_invalid_request'
  | 'http_response_too_large'
  | 'http_connect_timeout'
  | 'http_read_timeout'
  | 'http_name_unknown'
  | 'http_tls_failed'
  | 'http_connection_failed'
  | 'http_aborted';

export interface HttpFailure {
  readonly code: HttpFailureCode;
  /** For the handler's author. */
  readonly message: string;
}

/**
 * The same request would fail the same way again: recorded as its answer. The others are made again on a retry, also
 * one that was refused: nothing of it has left, and meanwhile somebody may have mended the rule.
 */
const final: ReadonlySet<HttpFailureCode> = new Set(['http_invalid_request', 'http_response_too_large']);

export function isFinalFailure(code: HttpFailureCode): boolean {
  return final.has(code);
}

const codes: Readonly<Record<string, HttpFailureCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'http_connect_timeout',
  ETIMEDOUT: 'http_connect_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'http_read_timeout',
  UND_ERR_BODY_TIMEOUT: 'http_read_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'http_response_too_large',
  ENOTFOUND: 'http_name_unknown',
  EAI_AGAIN: 'http_name_unknown',
  UND_ERR_INVALID_ARG: 'http_invalid_request',
  UND_ERR_NOT_SUPPORTED: 'http_invalid_request',
  ERR_INVALID_ARG_VALUE: 'http_invalid_request',
  EPROTO: 'http_tls_failed',
};

const tlsCode = /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/;

/** `where`: the origin that was asked. What stands behind a name, its addresses, is not told. */
export function toHttpFailure(error: unknown, where: string): HttpFailure {
  if (error instanceof AddressRefused) return addressRefused(where);
  if (error instanceof EgressRefused) return egressRefused(where, error.refusal);
  const code = codeOf(error);
  const known = tlsCode.test(code) ? 'http_tls_failed' : (codes[code] ?? 'http_connection_failed');
  return {
    code: known,
    message: `${where}: ${messages[known]}${known === 'http_connection_failed' ? reason(error) : ''}`,
  };
}

export function addressRefused(where: string): HttpFailure {
  return {
    code: 'http_refused',
    message:
      `${where} is at a private or local address, which handlers may not reach. The operator can open a network ` +
      'with AFTERWORD_EGRESS_PRIVATE.',
  };
}

const mends: Readonly<Record<EgressRefusal['whose'], (list: EgressRefusal['list']) => string>> = {
  organisation: () => 'Whoever administers the organisation can change it: `afterword egress set`.',
  handler: (list) => `It is \`egress.${list}\` in the handler's settings.`,
};

export function egressRefused(where: string, { whose, list, pattern }: EgressRefusal): HttpFailure {
  const how = pattern === null ? `is not on the ${list}-list` : `is on the ${list}-list`;
  const as = pattern === null ? '' : ` (as "${pattern}")`;
  return { code: 'http_refused', message: `${where} ${how} of the ${whose}${as}. ${mends[whose](list)}` };
}

const messages: Readonly<Record<HttpFailureCode, string>> = {
  http_refused: 'is not allowed',
  http_invalid_request: 'the request has a part that HTTP does not allow',
  http_response_too_large: `the head of the response is larger than ${String(limits.httpResponseHeadBytes >> 10)} KB`,
  http_connect_timeout: 'no connection in time',
  http_read_timeout: 'no answer in time',
  http_name_unknown: 'the host name is not known',
  http_tls_failed: 'the certificate or the encryption was not accepted',
  http_connection_failed: 'the connection failed',
  http_aborted: 'the run ended while the request was under way',
};

function reason(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return ': nobody listens there';
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') return ': the other side closed it';
  return code === '' ? '' : ` (${code})`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
