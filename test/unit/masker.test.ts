import { describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { Masker, maskOfSecret, masksOfCredentials } from '../../src/secrets/masker.ts';
import { writtenForms } from '../../src/secrets/written-forms.ts';
import { seededRandom } from '../setup/seeded-random.ts';

const token = 'sk-live+0123/456?7 "ö"';
const masker = new Masker([maskOfSecret('TOKEN', token), maskOfSecret('OTHER', 'another-secret')]);

/** As it comes out when it goes in in pieces of that many characters. */
function inPieces(text: string, length: number, by = masker): string {
  const stream = by.stream();
  let out = '';
  for (let at = 0; at < text.length; at += length) out += stream.push(text.slice(at, at + length));
  return out + stream.end();
}

describe('a text with a secret', () => {
  test('shows its name in its place', () => {
    expect(masker.text(`a ${token} b another-secret c`)).toBe('a [secret TOKEN] b [secret OTHER] c');
    expect(masker.text(token + token)).toBe('[secret TOKEN][secret TOKEN]');
    expect(masker.text('nothing to see')).toBe('nothing to see');
  });

  const form = new URLSearchParams({ a: token }).toString().slice(2);
  test.each<[string, string]>([
    ['JSON', JSON.stringify({ a: token })],
    ['JSON of ASCII, as Python writes it', '"sk-live+0123/456?7 \\"\\u00f6\\""'],
    ['encodeURIComponent', `https://example.com/?a=${encodeURIComponent(token)}&b`],
    ['a form', `a=${form}&b=1`],
    ['percent-encoding in small letters', encodeURIComponent(token).toLowerCase().replace('%c3%b6', '%c3%b6')],
    ['a query of new URL', new URL(`https://example.com/?${token}`).href],
    ['Python’s quote', 'sk-live%2B0123/456%3F7%20%22%C3%B6%22'],
    ['Python’s quote(safe="")', 'sk-live%2B0123%2F456%3F7%20%22%C3%B6%22'],
    ['Python’s quote_plus', 'sk-live%2B0123%2F456%3F7+%22%C3%B6%22'],
    ['requests', 'https://example.com/sk-live+0123/456?7%20%22%C3%B6%22'],
  ])('is found as %s', (_how, text) => {
    expect(masker.text(text)).toContain('[secret TOKEN]');
    expect(masker.text(text)).not.toMatch(/live|0123/);
  });

  test.each([0, 1, 2, 3, 4, 5])('is found in base64 behind %i other bytes, of both alphabets', (before) => {
    const bytes = Buffer.from(`${'x'.repeat(before)}${token}${'y'.repeat(before)}`);
    for (const encoding of ['base64', 'base64url'] as const) {
      const shown = masker.text(`Basic ${bytes.toString(encoding)}`);
      expect(shown).toContain('[secret TOKEN]');
      // No four letters of it are left, which would be three bytes.
      const left = shown.replace('[secret TOKEN]', ' ').slice('Basic '.length);
      for (const part of left.split(' ')) {
        expect(Buffer.from(part, 'base64').toString('latin1')).not.toMatch(/sk-|liv|012|345|456/);
      }
    }
  });

  test('is found without the spaces around it too', () => {
    const spaced = new Masker([maskOfSecret('KEY', ' \n-----BEGIN-----\nabc\n')]);
    expect(spaced.text('-----BEGIN-----\nabc')).toBe('[secret KEY]');
    expect(spaced.text(' \n-----BEGIN-----\nabc\n')).toBe(' \n[secret KEY]\n');
  });

  test('keeps what is a part of it, and what only begins like it', () => {
    for (const text of ['sk-live', 'sk-live+01', 'another', 'sk-live+0123/455', 'sk-live+sk-live+']) {
      expect(masker.text(text)).toBe(text);
    }
  });

  test('whose end was cut off is masked when more than half of it is there', () => {
    expect(masker.text(`x ${token.slice(0, -1)}`)).toBe('x [secret TOKEN]');
    expect(masker.text('x another-')).toBe('x [secret OTHER]');
    expect(masker.text('x another')).toBe('x another');
  });

  test('that is long is masked from its 64th character on, whether the rest follows or not', () => {
    const long = new Masker([maskOfSecret('LONG', 'abcdefgh'.repeat(100))]);
    const start = (length: number) => 'abcdefgh'.repeat(100).slice(0, length);
    expect(long.text(`${start(63)}-${start(63)}`)).toBe(`${start(63)}-${start(63)}`);
    expect(long.text(`${start(64)}-${start(300)}-${start(800)}-${start(801)}`)).toBe(
      '[secret LONG]-[secret LONG]-[secret LONG]-[secret LONG]',
    );
    expect(inPieces(`${start(64)}-${start(300)}-`, 7, long)).toBe('[secret LONG]-[secret LONG]-');
  });

  test('shows the longer one where one holds another, the first where they overlap', () => {
    const both = new Masker([
      maskOfSecret('SHORT', 'password'),
      maskOfSecret('LONG', 'my-password-is-long'),
      maskOfSecret('NEXT', 'is-long-indeed'),
    ]);
    expect(both.text('a password, my-password-is-short')).toBe('a [secret SHORT], my-[secret SHORT]-is-short');
    expect(both.text('my-password-is-long!')).toBe('[secret LONG]!');
    expect(both.text('my-password-is-long-indeed!')).toBe('[secret LONG]-indeed!');
  });
});

describe('what comes in pieces', () => {
  const text = `a ${token} b ${Buffer.from(token).toString('base64')} c ${encodeURIComponent(token)} another-secre another-secret`;

  test('is masked wherever they end', () => {
    for (let length = 1; length <= text.length; length += 1) expect(inPieces(text, length)).toBe(masker.text(text));
    expect(masker.text(text)).not.toContain('live');
  });

  test('is held back no longer than it may still be a secret', () => {
    const stream = masker.stream();
    expect(stream.push('one line\n')).toBe('one line\n');
    expect(stream.push('anoth')).toBe('');
    expect(stream.push('er day\n')).toBe('another day\n');
    expect(stream.push('no n')).toBe('no n');
    expect(stream.push('it ends with an')).toBe('it ends with ');
    expect(stream.end()).toBe('an');
  });

  test('comes to the same as the whole, whatever the secrets are', () => {
    const random = seededRandom(4711);
    const upTo = (most: number) => Math.floor(random() * most);
    const letters = () => Array.from({ length: 8 + upTo(5) }, () => 'ab/ '[upTo(4)]).join('');
    for (let run = 0; run < 2_000; run += 1) {
      const secrets = Array.from({ length: 1 + upTo(4) }, letters);
      const some = new Masker(secrets.map((secret, index) => ({ value: secret, label: `<${String(index)}>` })));
      const parts = Array.from({ length: upTo(20) }, () => secrets[upTo(8)] ?? letters());
      const shown = some.text(parts.join(''));
      expect(inPieces(parts.join(''), 1 + upTo(9), some)).toBe(shown);
      for (const secret of secrets) expect(shown).not.toContain(secret);
    }
  });
});

describe('JSON with a secret', () => {
  test('is masked in texts, keys and numbers', () => {
    const digits = new Masker([maskOfSecret('PIN', '48151623'), maskOfSecret('TOKEN', token)]);
    const value = { [token]: [token, { deep: `x${token}` }, 48_151_623, 12, null, true], ok: 1.5 };
    expect(digits.json(value)).toEqual({
      '[secret TOKEN]': ['[secret TOKEN]', { deep: 'x[secret TOKEN]' }, '[secret PIN]', 12, null, true],
      ok: 1.5,
    });
  });

  test('keeps a key that is __proto__', () => {
    const json = '{"__proto__":{"a":1}}';
    expect(JSON.stringify(masker.json(JSON.parse(json) as never))).toBe(json);
  });
});

describe('credentials', () => {
  test('are masked by their place, where they are long enough', () => {
    const masks = masksOfCredentials({ token: 'abcdefgh', short: 'abcdefg', deep: { list: ['0123456789', 1] } });
    expect(masks).toEqual([
      { value: 'abcdefgh', label: '[credential token]' },
      { value: '0123456789', label: '[credential deep.list.0]' },
    ]);
  });
});

describe('as many and as long secrets as a handler may have', () => {
  const long = (index: number) => `${String(index)}-`.repeat(limits.secretBytes).slice(0, limits.secretBytes);
  const secrets = Array.from({ length: limits.secretsPerHandler }, (_, index) => long(index));
  const many = new Masker(secrets.map((value, index) => maskOfSecret(`S${String(index)}`, value)));

  test('are found, from the first to the last', () => {
    for (const [index, secret] of secrets.entries()) {
      expect(many.text(`a${secret.slice(0, 100)}b${secret}`)).toContain(`b[secret S${String(index)}]`);
    }
  });

  test('that repeat themselves neither, in a text that nearly has them', () => {
    const repeating = new Masker([maskOfSecret('A', 'a'.repeat(limits.secretBytes))]);
    const msFor = (times: number) => {
      const stream = repeating.stream();
      const from = performance.now();
      for (let n = 0; n < times; n += 1) stream.push(`${'a'.repeat(63)}b`);
      return performance.now() - from;
    };
    msFor(500);
    const [once, eightTimes] = [msFor(1_000), msFor(8_000)];
    expect(eightTimes).toBeLessThan(24 * once + 200);
  });

  test('cost a text no more the longer it is', () => {
    const line = '1-1-1-1-1-1-1-2-2-2-2-1-0-0-0-x\n';
    const msFor = (lines: number) => {
      const stream = many.stream();
      const from = performance.now();
      for (let n = 0; n < lines; n += 1) stream.push(line);
      stream.end();
      return performance.now() - from;
    };
    msFor(2_000);
    const [once, eightTimes] = [msFor(4_000), msFor(32_000)];
    // Quadratic would be 64 times.
    expect(eightTimes).toBeLessThan(24 * once + 200);
  });
});

test('a secret has few forms where it needs no escapes', () => {
  expect(writtenForms('abcdefgh').size).toBe(4);
  for (const secret of [token, 'abcdefgh', '        x        ', '%%%%%%%%', '++++++++', '😀😀😀😀😀😀😀😀']) {
    for (const form of writtenForms(secret)) expect(form.length).toBeGreaterThanOrEqual(8);
  }
});
