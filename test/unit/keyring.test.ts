import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { ensureSecretsKey } from '../../src/dev/secrets-key.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { createKeyring, noKeyring, type SealedPlace } from '../../src/secrets/keyring.ts';
import { openKeyring } from '../../src/secrets/open-keyring.ts';

const oneKey = randomBytes(32);
const otherKey = randomBytes(32);
const keys = createKeyring([oneKey]);
const place: SealedPlace = ['secret', 'parcels', 'CRM_TOKEN'];
const value = 'sk-live-0123456789 ✓ "quoted"\n';

function faultOf(work: () => unknown): AfterwordError {
  try {
    work();
  } catch (error) {
    if (error instanceof AfterwordError) return error;
    throw error;
  }
  throw new Error('It was expected to throw.');
}

describe('a sealed text', () => {
  test('opens where it was sealed, and tells nothing of what is in it', () => {
    const sealed = keys.seal(value, place);
    expect(keys.open(sealed, place)).toBe(value);
    expect(sealed).toMatch(/^sealed:1:[0-9a-f]{8}:[\w-]+$/);
    expect(() => JSON.parse(sealed) as unknown).toThrow();
    expect(Buffer.from(sealed.split(':')[3] ?? '', 'base64url').includes('sk-live')).toBe(false);
  });

  test.each(['', 'x', 'é😀'.repeat(10_000)])('may be of any length', (text) => {
    expect(keys.open(keys.seal(text, place), place)).toBe(text);
  });

  test('never looks the same twice', () => {
    const sealed = Array.from({ length: 100 }, () => keys.seal(value, place));
    expect(new Set(sealed).size).toBe(100);
  });

  test.each<[string, SealedPlace]>([
    ['another organisation', ['secret', 'rival', 'CRM_TOKEN']],
    ['another name', ['secret', 'parcels', 'OTHER_TOKEN']],
    ['another use', ['answer', 'parcels', 'CRM_TOKEN']],
    ['a name and organisation that read the same together', ['secret', 'parcels","CRM', 'TOKEN']],
  ])('that was moved to %s does not open', (_what, elsewhere) => {
    const fault = faultOf(() => keys.open(keys.seal(value, place), elsewhere));
    expect(fault.code).toBe('sealed_text_damaged');
  });

  test('of which any part was changed does not open', () => {
    const sealed = keys.seal(value, place);
    const start = sealed.lastIndexOf(':') + 1;
    for (let at = start; at < sealed.length - 1; at += 1) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
      expect(faultOf(() => keys.open(changed, place)).code).toBe('sealed_text_damaged');
    }
    for (const cut of ['', sealed.slice(0, start), sealed.slice(0, start + 20), sealed.slice(0, -2), 'sealed']) {
      expect(faultOf(() => keys.open(cut, place)).code).toMatch(/^(sealed_text_damaged|secrets_key_wrong)$/);
    }
  });

  test('of another key names that key', () => {
    const other = createKeyring([otherKey]);
    const fault = faultOf(() => keys.open(other.seal(value, place), place));
    expect(fault.code).toBe('secrets_key_wrong');
    expect(fault.message).toContain('The secret CRM_TOKEN was sealed with the key');
    expect(fault.message).toContain(String(other.keyId));
    expect(fault.message).toContain(String(keys.keyId));
  });

  test('of an old key opens where that is behind the new one, which seals', () => {
    const changed = createKeyring([otherKey, oneKey]);
    expect(changed.open(keys.seal(value, place), place)).toBe(value);
    expect(changed.keyId).not.toBe(keys.keyId);
    expect(createKeyring([otherKey]).open(changed.seal(value, place), place)).toBe(value);
  });

  test('cannot be made or opened without a key', () => {
    for (const without of [noKeyring, createKeyring([])]) {
      expect(without.keyId).toBeNull();
      expect(faultOf(() => without.seal(value, place)).code).toBe('secrets_key_missing');
      expect(faultOf(() => without.open(keys.seal(value, place), place)).code).toBe('secrets_key_missing');
    }
  });
});

describe('the key', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'afterword-keys-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const base64 = oneKey.toString('base64');
  const opens = (sealedBy: string) => openKeyring(loadConfig({ AFTERWORD_SECRETS_KEY: sealedBy }).secrets);
  const file = (text: string, mode = 0o600) => {
    const path = join(folder, 'key');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return { keys: [], keyFile: path };
  };

  test.each([base64, ` ${base64}\n`, oneKey.toString('base64url'), `${base64},${otherKey.toString('base64')}`])(
    'is read from the environment: %#',
    (text) => {
      expect(opens(text).open(keys.seal(value, place), place)).toBe(value);
    },
  );

  test.each([
    'secret',
    oneKey.toString('hex'),
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('base64'),
    `${base64},`,
    `${base64} ${base64}`,
    base64.replace(/.=$/, '!='),
  ])('that is none is refused without being shown: %#', (text) => {
    const fault = faultOf(() => opens(text));
    expect(fault.message).toContain('AFTERWORD_SECRETS_KEY: expected the base64 of 32 bytes');
    expect(fault.message).not.toContain(text);
  });

  test('is read from a file, a line each where there are several', () => {
    expect(openKeyring(file(`${base64}\n`)).keyId).toBe(keys.keyId);
    expect(openKeyring(file(`${otherKey.toString('base64')}\n${base64}`)).open(keys.seal(value, place), place)).toBe(
      value,
    );
  });

  test.each([0o640, 0o604, 0o644, 0o620, 0o610])('in a file that others may use is refused: %i', (mode) => {
    const fault = faultOf(() => openKeyring(file(base64, mode)));
    expect(fault.code).toBe('bad_configuration');
    expect(fault.message).toMatch(/^AFTERWORD_SECRETS_KEY_FILE: others may read .* run `chmod 600 /);
  });

  test('in a file that is not there, or holds something else, is refused', () => {
    expect(faultOf(() => openKeyring({ keys: [], keyFile: join(folder, 'none') })).message).toContain('cannot be read');
    for (const text of ['', 'no key', `${base64}\nno key`]) {
      const fault = faultOf(() => openKeyring(file(text)));
      expect(fault.message).toContain('does not hold the base64 of 32 bytes');
    }
  });

  test('is given in one way only', () => {
    const fault = faultOf(() => openKeyring({ ...file(base64), keys: [oneKey] }));
    expect(fault.message).toContain('not both');
  });

  test('is made by the first start, for this user alone, and stays', () => {
    const { secrets } = loadConfig({});
    const made = ensureSecretsKey({ home: folder, secrets });
    expect(statSync(join(folder, 'secrets-key')).mode & 0o777).toBe(0o600);
    expect(ensureSecretsKey({ home: folder, secrets }).keyId).toBe(made.keyId);
    expect(ensureSecretsKey({ home: folder, secrets: { keys: [oneKey], keyFile: undefined } }).keyId).toBe(keys.keyId);
  });
});
