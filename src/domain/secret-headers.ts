/** The key by which the other side tells a repeat is no secret: people look for it. */
const secret =
  /auth(?!enticate)|cookie|token|secret|passw|signature|session|credential|jwt|api[-_]?key|(?<!idempotency[-_]?)key$/iu;
const masked = '***';

/** As people may see it: of a header that holds a credential only that it was there. */
export function shownHeader([name, value]: readonly [string, string]): [string, string] {
  return [name, secret.test(name) ? masked : value];
}
