/**
 * How long the one who answered wants to be left alone, in milliseconds: `retry-after-ms`, or `Retry-After` as seconds
 * or as a date (RFC 9110). Undefined where it says nothing that can be read.
 */
export function retryAfterMsOf(headers: Pick<Headers, 'get'> | undefined, now = Date.now()): number | undefined {
  const inMs = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(inMs) && inMs >= 0) return Math.ceil(inMs);
  const written = headers?.get('retry-after')?.trim();
  if (written === undefined || written === '') return undefined;
  const seconds = Number(written);
  if (Number.isFinite(seconds)) return seconds < 0 ? undefined : Math.ceil(seconds * 1000);
  const at = Date.parse(written);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
