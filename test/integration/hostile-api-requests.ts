import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { z } from 'zod';
import { exampleOf } from './described-requests.ts';
import type { Operation } from './openapi-operations.ts';
import { planted, textOf, type WalkedApi } from './walked-api.ts';

const nastyTexts = [
  ...['', ' ', '\0', 'a\0b', '\ud800', '\udfff x', '../../etc/passwd', "' or 1=1 --", '%', '%00', '%zz', '%ff%fe'],
  ...['0', '-1', '1e309', 'NaN', 'null', 'true', '[]', '{}', '💥', '\u202e', '2026-13-45T99:99:99Z', '9'.repeat(400)],
  ...['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '2026-01-31T12:00:00+99:99', 'x'.repeat(5_000)],
  ...['__proto__', 'constructor', 'toString', '0199a3f0-0000-7000-8000-00000000ffff', '${7*7}', '<script>', '\r\nX: y'],
];
const text = fc.oneof(fc.constantFrom(...nastyTexts), fc.string({ unit: 'binary', maxLength: 50 }));

/** In place of what nobody can print: lists in lists, as many. */
const nestedAs = (levels: number) => `nested ${String(levels)}`;
const unfolded = (json: string) =>
  json.replaceAll(/"nested (\d+)"/gu, (_, levels: string) => '['.repeat(Number(levels)) + ']'.repeat(Number(levels)));

const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom<unknown>(null, true, 0, -1, 0.5, 2 ** 53, 1e308, [], {}, [[]], nestedAs(300), nestedAs(30_000)),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(text, text, { maxKeys: 4 }),
);

/** Where in a body something is put, replaced or left out. */
const change = fc.record({
  at: fc.nat(30),
  how: fc.constantFrom('replace', 'leave out', 'add'),
  name: text,
  value,
});

const contentTypes = ['text/plain', 'application/json; charset=utf-16', 'application/xml', '', 'multipart/form-data'];
const bytes = fc.uint8Array({ maxLength: 200 });

export const hostileRequest = fc.record({
  operation: fc.nat(),
  key: fc.constantFrom('own', 'own', 'own', 'own', 'rival', 'reader', 'expired', 'nobody', 'none', 'garbage'),
  path: fc.array(fc.option(text, { freq: 3 }), { minLength: 3, maxLength: 3 }),
  query: fc.array(fc.tuple(fc.nat(30), text, fc.boolean()), { maxLength: 3 }),
  body: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('changed' as const), changes: fc.array(change, { maxLength: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('value' as const), value }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('bytes' as const), bytes }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'none' as const }) },
  ),
  contentType: fc.option(fc.constantFrom(...contentTypes), { freq: 8 }),
  idempotencyKey: fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 300 }), { freq: 8 }),
});
type HostileRequest = typeof hostileRequest extends fc.Arbitrary<infer Request> ? Request : never;

export interface Keys {
  readonly own: string;
  readonly rival: string;
  readonly reader: string;
  readonly expired: string;
}

/** An answer that takes longer has hung, however busy the machine is. */
const hungMs = 30_000;
/** Of a driver, a stack, a statement. */
const ours =
  /\n\s+at |node_modules|\/src\/|\.ts:\d|insert into|violates|duplicate key|syntax error at|kysely|undefined is not/iu;

const Told = z.union([
  z.object({ code: z.string().min(1), mend: z.string().min(1), detail: z.string().min(1), requestId: z.string() }),
  // Of Syllable's routes.
  z.object({ detail: z.union([z.string().min(1), z.array(z.unknown()).min(1)]) }),
]);

/** Sends it, and expects an answer that says what to mend and shows nothing of ours. */
export async function expectGoodAnswer(api: WalkedApi, keys: Keys, request: HostileRequest): Promise<void> {
  const operation = api.operations[request.operation % api.operations.length];
  if (operation === undefined) return;
  const { url, init } = toRequest(api, operation, keys, request);
  const stop = new AbortController();
  const answered = Promise.resolve(api.app.request(url, { ...init, signal: stop.signal })).then(async (answer) => ({
    status: answer.status,
    type: answer.headers.get('content-type') ?? '',
    text: await textOf(answer, stop),
  }));
  const answer = await Promise.race([answered, sleep(hungMs, undefined, { ref: false })]);
  const what = `${operation.method} ${url.slice(0, 300)}: ${String(answer?.status)} ${answer?.text.slice(0, 500) ?? ''}`;
  expect(answer, what).toBeDefined();
  if (answer === undefined) return;
  expect(answer.status, what).toBeLessThan(500);
  expect(answer.text, what).not.toMatch(ours);
  for (const secret of [`${planted}-secret`, `${planted}-llm`, 'PRIVATE KEY', keys.own, keys.rival]) {
    expect(answer.text.includes(secret), what).toBe(false);
  }
  if (answer.status < 400) return;
  expect(answer.type, what).toMatch(/^application\/(?:problem\+)?json/);
  expect(Told.safeParse(JSON.parse(answer.text)).success, what).toBe(true);
}

function toRequest(api: WalkedApi, operation: Operation, keys: Keys, request: HostileRequest) {
  const [, , , family = ''] = operation.path.split('/');
  let parameter = 0;
  const path = operation.path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => {
    const hostile = request.path[parameter++];
    return hostile == null ? encodeURIComponent(String(api.known[`${family}.${name}`])) : inPath(hostile);
  });
  const names = operation.parameters.filter((known) => known.in === 'query').map(({ name }) => name);
  const query = request.query.map(([n, given, invented]) => {
    const name = invented ? given : (names[n % Math.max(1, names.length)] ?? given);
    return `${inPath(name)}=${inPath(given)}`;
  });
  const [type, media] = Object.entries(operation.bodies)[0] ?? [];
  const example = media === undefined ? undefined : exampleOf(media.schema, api.schemas, api.known);
  const body = operation.method === 'get' ? undefined : bodyOf(request.body, example);
  const contentType = request.contentType ?? type ?? 'application/json';
  return {
    url: query.length === 0 ? path : `${path}?${query.join('&')}`,
    init: {
      method: operation.method.toUpperCase(),
      headers: {
        ...authorizationOf(keys, request.key),
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(request.idempotencyKey === null ? {} : { 'idempotency-key': request.idempotencyKey }),
      },
      ...(body === undefined ? {} : { body }),
    },
  };
}

/** Half of what is hostile goes as it is, where a URL can hold it. */
function inPath(given: string): string {
  return given.startsWith('%') ? given : encodeURIComponent(given.toWellFormed());
}

function authorizationOf(keys: Keys, kind: HostileRequest['key']): Record<string, string> {
  if (kind === 'none') return {};
  if (kind === 'garbage') return { authorization: 'Basic Og==, Bearer' };
  if (kind === 'nobody') return { authorization: 'Bearer aw_of-nobody-of-nobody-of-nobody-of-nobody-of-n' };
  return { authorization: `Bearer ${keys[kind]}` };
}

function bodyOf(body: HostileRequest['body'], example: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body.kind === 'none') return undefined;
  if (body.kind === 'bytes') return new Uint8Array(body.bytes);
  if (body.kind === 'value') return unfolded(JSON.stringify(body.value));
  const changed: unknown = structuredClone(example ?? {});
  for (const each of body.changes) applyChange(changed, each);
  return unfolded(JSON.stringify(changed));
}

type Change = typeof change extends fc.Arbitrary<infer Made> ? Made : never;

function applyChange(root: unknown, { at, how, name, value: given }: Change): void {
  const places = placesIn(root);
  const place = places[at % Math.max(1, places.length)];
  if (how === 'add' || place === undefined) {
    if (typeof root === 'object' && root !== null) Reflect.set(root, name, given);
  } else if (how === 'replace') Reflect.set(place.holder, place.key, given);
  else Reflect.deleteProperty(place.holder, place.key);
}

function placesIn(holder: unknown): { holder: object; key: string }[] {
  if (typeof holder !== 'object' || holder === null) return [];
  return Object.entries(holder).flatMap(([key, inner]) => [{ holder, key }, ...placesIn(inner).slice(0, 20)]);
}
