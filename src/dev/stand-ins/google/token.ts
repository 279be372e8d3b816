import { createVerify, generateKeyPairSync } from 'node:crypto';
import { z } from 'zod';
import type { Reply } from '../stand-in-server.ts';

const Claims = z.object({ iss: z.string(), scope: z.string(), aud: z.string(), exp: z.number(), iat: z.number() });

/** A service account and the endpoint that gives tokens for what it signs (RFC 7523). */
export function createTokens(email: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const given = new Set<string>();

  function accepts(assertion: string): boolean {
    const [header = '', payload = '', signature = ''] = assertion.split('.');
    const verify = createVerify('RSA-SHA256').update(`${header}.${payload}`);
    if (!verify.verify(publicKey, Buffer.from(signature, 'base64url'))) return false;
    const claims = Claims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
    return claims.success && claims.data.iss === email && claims.data.exp * 1000 > Date.now();
  }

  return {
    /** The JSON of the account's key file. */
    credentials: JSON.stringify({
      type: 'service_account',
      project_id: 'stand-in',
      private_key_id: '1',
      private_key: key,
      client_email: email,
      token_uri: 'https://oauth2.googleapis.com/token',
    }),
    answer(body: string): Reply {
      const form = new URLSearchParams(body);
      if (!accepts(form.get('assertion') ?? '')) {
        return { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } };
      }
      const token = `token-${String(given.size + 1)}`;
      given.add(token);
      return { status: 200, body: { access_token: token, expires_in: 3599, token_type: 'Bearer' } };
    },
    isGood: (authorization = '') => given.has(authorization.replace('Bearer ', '')),
  };
}
