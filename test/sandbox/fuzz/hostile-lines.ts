import fc from 'fast-check';

/** Texts such as `@1e999@` stand in JSON without their quotes and signs: what JSON.stringify would never write. */
const raw = fc.constantFrom(
  '@1e999@',
  '@-1e999@',
  '@-0@',
  '@1e-999@',
  `@${'9'.repeat(1_000)}@`,
  '@9007199254740993@',
  `@${'['.repeat(250)}${']'.repeat(250)}@`,
  `@${'['.repeat(1_000)}${']'.repeat(1_000)}@`,
  `@${'{"a":'.repeat(300)}1${'}'.repeat(300)}@`,
  `@[${'0,'.repeat(600)}0]@`,
  `@[${'{},'.repeat(400)}{}]@`,
  '@{"__proto__":{"polluted":true}}@',
  String.raw`@"\ud800"@`,
  String.raw`@"\u0000"@`,
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', 'x', '\0', '\ud800', '\udfff\ud800', '__proto__', 'constructor', 'toString', 'é'.repeat(1_100)),
);
const someText = text.map((each) => (each === '' ? 'x' : each));
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), raw, text);
/** Stands for the number that is due: most lines after a wrong one would never be read. */
const due = 7_777_777;
const id = fc.oneof({ weight: 20, arbitrary: fc.constant(due) }, { weight: 1, arbitrary: value });
const seconds = fc.oneof(fc.double({ min: 1e-300, noNaN: true, noDefaultInfinity: true }), fc.constant(null));
const sentEvent = fc.record({ e: fc.dictionary(text, value, { maxKeys: 4 }), x: fc.oneof(fc.constant(null), text) });
const events = fc.oneof(fc.array(sentEvent, { maxLength: 14 }), value);

/** Messages of the right shape, or nearly. */
const messages: fc.Arbitrary<object> = fc.oneof(
  {
    weight: 15,
    arbitrary: fc.record({ t: fc.constant('log'), s: fc.constantFrom('stdout', 'stderr'), d: someText }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ t: fc.constant('call'), id, name: text, args: fc.dictionary(text, value) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      t: fc.constant('fetch'),
      id,
      method: text,
      url: fc.oneof(fc.webUrl(), text),
      headers: fc.array(fc.tuple(text, text), { maxLength: 5 }),
      body: fc.base64String({ maxLength: 1_500 }),
      connect: seconds,
      read: seconds,
      insecure: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('done'), ok: fc.constant(true), v: value, events }) },
  {
    weight: 1,
    arbitrary: fc.record({
      t: fc.constant('done'),
      ok: fc.oneof(fc.constant(false), value),
      reason: fc.constantFrom('raised', 'not_json', 'crashed', 'refused', '__proto__'),
      type: text,
      message: text,
      traceback: text,
      events,
    }),
  },
);
/** Of no shape, or out of place. */
const misplaced: fc.Arbitrary<object> = fc.oneof(
  fc.constant({ t: 'started' }),
  fc.record({ t: fc.constant('setup_failed'), message: text }),
  fc.dictionary(fc.oneof(fc.constantFrom('t', 'ok', 'id', 'v'), text), value),
);

const asJson = (message: unknown): string => JSON.stringify(message).replaceAll(/"@((?:[^@\\]|\\.)*)@"/g, unescaped);
const unescaped = (_: string, escaped: string): string => escaped.replaceAll('\\"', '"').replaceAll('\\\\', '\\');

const lines = messages.map(asJson);
const strays = misplaced.map(asJson);
/** One field of another type, left out, or beside it one that no message has. */
const wrong = fc
  .tuple(messages, fc.nat(), value, fc.constantFrom('replace', 'remove', 'add'))
  .map(([message, at, other, how]) => {
    const fields = Object.entries(message);
    const index = at % Math.max(1, fields.length);
    if (how === 'remove') fields.splice(index, 1);
    else fields.splice(index, how === 'add' ? 0 : 1, [how === 'add' ? 'more' : (fields[index]?.[0] ?? 't'), other]);
    return asJson(Object.fromEntries(fields));
  });
const cut = fc
  .tuple(lines, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([line, at]) => line.slice(0, line.length * at));
const glued = fc
  .tuple(lines, lines, fc.constantFrom('', ' ', ',', '\r', '\0', '\ufeff'))
  .map(([a, b, by]) => a + by + b);
const damaged = fc
  .tuple(lines, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 }))
  .map(([line, places]) => {
    const bytes = Buffer.from(line);
    for (const [at, byte] of places) bytes[at % Math.max(1, bytes.length)] = byte;
    return bytes;
  });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

/** One line without its end; some hold further ends of lines. */
const hostileLine: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 120, arbitrary: lines.map((line) => Buffer.from(line)) },
  { weight: 1, arbitrary: strays.map((line) => Buffer.from(line)) },
  { weight: 3, arbitrary: wrong.map((line) => Buffer.from(line)) },
  { weight: 1, arbitrary: cut.map((line) => Buffer.from(line)) },
  { weight: 1, arbitrary: glued.map((line) => Buffer.from(line)) },
  { weight: 1, arbitrary: damaged },
  { weight: 1, arbitrary: bytes },
);

const linesOfConversation = 20;

export interface HostileConversation {
  readonly bytes: Buffer;
  /** How it is cut; the last size is that of all further chunks. */
  readonly sizes: readonly number[];
  /** Whether its calls and requests are answered. */
  readonly answered: boolean;
}

export const hostileConversation: fc.Arbitrary<HostileConversation> = fc
  .record({
    begin: fc.oneof(
      { weight: 9, arbitrary: fc.constant('{"t":"started"}\n') },
      { weight: 1, arbitrary: fc.constant('') },
    ),
    lines: fc.array(hostileLine, { minLength: linesOfConversation, maxLength: linesOfConversation }),
    sizes: fc.oneof(
      { weight: 4, arbitrary: fc.constant([Number.MAX_SAFE_INTEGER]) },
      { weight: 1, arbitrary: fc.constant([1]) },
      { weight: 5, arbitrary: fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 10 }) },
    ),
    answered: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  })
  .map(({ begin, lines: each, sizes, answered }) => ({
    bytes: Buffer.concat([Buffer.from(begin), ...numbered(each).flatMap((line) => [line, Buffer.from('\n')])]),
    sizes,
    answered,
  }));

function numbered(lines: readonly Buffer[]): Buffer[] {
  let last = 0;
  const next = () => String((last += 1));
  return lines.map((line) => Buffer.from(line.toString('latin1').replace(String(due), next), 'latin1'));
}

export function* chunksOf({ bytes: all, sizes }: HostileConversation): Generator<Buffer> {
  for (let at = 0, index = 0; at < all.length; index += 1) {
    const size = sizes[Math.min(index, sizes.length - 1)] ?? 1;
    yield all.subarray(at, at + size);
    at += size;
  }
}
