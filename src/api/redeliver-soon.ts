import type { Log } from '../observability/log.ts';
import { logRedeliveryNotAsked } from '../observability/server-log.ts';
import { within } from './within.ts';

const waitMs = 1_000;

/** Asks for the redelivery, which comes by itself where nobody is there to ask: nothing depends on it. */
export function createRedeliverSoon(redeliver: (() => Promise<void>) | undefined, log: Log): () => Promise<void> {
  return async () => {
    if (redeliver === undefined) return;
    const asked = redeliver().catch((error: unknown) => {
      logRedeliveryNotAsked(log, error);
    });
    await within(asked, waitMs);
  };
}
