import { createHmac } from 'node:crypto';

const secretPrefix = 'whsec_';

/**
 * The header `webhook-signature` of Standard Webhooks: one signature for each secret, so that a receiver that knows either
 * of two accepts the message while a secret is being changed. A secret is `whsec_` and the base64 of its bytes.
 */
export function signaturesOf(
  { id, timestamp, body }: { readonly id: string; readonly timestamp: string; readonly body: string },
  secrets: readonly string[],
): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(secretPrefix.length), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    })
    .join(' ');
}
