import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { AfterwordError } from '../domain/errors.ts';

/**
 * Where a sealed text stands: what, of which organisation, of which name or ids. It opens nowhere else, so that nobody who
 * can write to the database can move it to a row whose owner may read it.
 */
export type SealedPlace = readonly [
  what: 'secret' | 'sink' | 'credentials' | 'organization credentials' | 'arguments' | 'answer',
  organizationId: string,
  nameOrId: string,
];

export interface Keyring {
  /** Of the key that seals, for logs; null: there is none, and both functions throw `secrets_key_missing`. */
  readonly keyId: string | null;
  /** AES-256-GCM with a nonce of its own each time; `sealed:1:<key id>:<base64url>`, which is no JSON. */
  seal(text: string, place: SealedPlace): string;
  /** Throws `secrets_key_wrong` naming the key that is missing, `sealed_text_damaged`. */
  open(sealed: string, place: SealedPlace): string;
}

const version = 'sealed:1';
const nonceBytes = 12;
const tagBytes = 16;

/** Keys of 32 bytes each: the first seals, all open, so that a key can be changed while texts of the old one are around. */
export function createKeyring(keys: readonly Buffer[]): Keyring {
  const [current] = keys;
  if (current === undefined) return noKeyring;
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  const keyId = idOf(current);
  return {
    keyId,
    seal(text, place) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', keyFor(current, place), nonce).setAAD(bytesOf(place));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${version}:${keyId}:${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
    },
    open(sealed, place) {
      const [, , id = '', base64 = ''] = sealed.split(':');
      const key = byId.get(id);
      if (key === undefined) {
        const there = [...byId.keys()].join(', ');
        const message = `${nameOf(place)} was sealed with the key ${id}, which is not configured here; there is ${there}.`;
        throw new AfterwordError('secrets_key_wrong', message);
      }
      const bytes = Buffer.from(base64, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', keyFor(key, place), bytes.subarray(0, nonceBytes))
          .setAAD(bytesOf(place))
          .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
        return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        const message = `${nameOf(place)} does not open with the key ${id} that sealed it.`;
        throw new AfterwordError('sealed_text_damaged', message, { cause });
      }
    },
  };
}

/** Of a process that was given no key. */
export const noKeyring: Keyring = {
  keyId: null,
  seal: () => {
    throw keyMissing();
  },
  open: () => {
    throw keyMissing();
  },
};

function keyMissing(): AfterwordError {
  return new AfterwordError('secrets_key_missing', 'This process has no key for secrets.');
}

/** Names a key and tells nothing of it. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('afterword secrets key\0').update(key).digest('hex').slice(0, 8);
}

/** A key of its own for each place: random nonces may be drawn 2^32 times a key, and a busy system makes more calls than that. */
function keyFor(key: Buffer, place: SealedPlace): Buffer {
  return createHmac('sha256', key).update(bytesOf(place)).digest();
}

function bytesOf(place: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([version, ...place]));
}

const words = {
  secret: 'The secret',
  'organization credentials': 'The organisation’s credentials',
  sink: 'The credentials of the sink',
  credentials: 'What the tool was invoked with, execution',
  arguments: 'The recorded arguments of call',
  answer: 'The recorded answer of call',
} as const;

function nameOf([what, , nameOrId]: SealedPlace): string {
  return `${words[what]} ${nameOrId}`;
}
