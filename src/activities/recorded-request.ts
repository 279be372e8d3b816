import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallEffect } from '../domain/recorded-calls.ts';
import { shownHeader } from '../domain/secret-headers.ts';
import type { HttpResponse } from '../sandbox/http-gateway/gateway.ts';
import type { SandboxRequest } from '../sandbox/sandbox.ts';

/** Fits into the store's index beside the rest of a call's key. */
const mostNameCharacters = 500;

/** Method and URL without its query: by this and its number a request is known again. */
export function requestName({ method, url }: Pick<SandboxRequest, 'method' | 'url'>): string {
  const name = `${method} ${url.replace(/[?#].*$/su, '')}`;
  if (name.length <= mostNameCharacters) return name;
  return `${name.slice(0, mostNameCharacters - 65).toWellFormed()}…${createHash('sha256').update(name).digest('hex')}`;
}

export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function requestEffect({ method }: SandboxRequest): CallEffect {
  return isRead(method) ? 'read' : 'external';
}

/** A longer body is kept by its digest: it would not be shown, and a retry reads all requests of its execution. */
const mostKeptBytes = 64 << 10;

/** What is kept of a request, for people and to see whether another attempt asks the same. Never a credential. */
export function requestJson(
  { method, url, headers, body }: SandboxRequest,
  idempotencyKey: string | undefined,
): string {
  return JSON.stringify({
    method,
    url,
    headers: headers.map(shownHeader),
    ...keptOfRequest(body),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
}

function keptOfRequest(body: Buffer): object {
  if (body.length === 0) return {};
  if (body.length <= mostKeptBytes) return kept(body);
  return { omittedBytes: body.length, bodySha256: createHash('sha256').update(body).digest('hex') };
}

const Recorded = z.object({
  status: z.number(),
  reason: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.string().optional(),
  bodyBase64: z.string().optional(),
});

export function responseJson({ body, ...head }: HttpResponse): string {
  return JSON.stringify({ ...head, ...kept(body) });
}

export function parseResponse(json: string): HttpResponse {
  const { body = '', bodyBase64, ...head } = Recorded.parse(JSON.parse(json));
  return { ...head, body: bodyBase64 === undefined ? Buffer.from(body) : Buffer.from(bodyBase64, 'base64') };
}

/** NUL, which the store does not take, and others that JSON writes with six letters and nobody reads. */
const controls = /[^\P{Cc}\t\n\r]/u;

/** As text where it is text, so that people can read it. */
function kept(body: Buffer): { body: string } | { bodyBase64: string } {
  const text = body.toString('utf8');
  const isText = !controls.test(text) && Buffer.from(text).equals(body);
  return isText ? { body: text } : { bodyBase64: body.toString('base64') };
}

/** Whether the other side's answer settles the matter: anything that may pass by itself is asked again on a retry. */
export function isFinalStatus(status: number): boolean {
  return status < 500 && status !== 408 && status !== 425 && status !== 429;
}
