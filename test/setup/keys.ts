import { createKeyring } from '../../src/secrets/keyring.ts';

/** What servers and workers of tests seal with, unless a test says otherwise. */
export const testKeys = createKeyring([Buffer.alloc(32, 'a key of tests')]);
