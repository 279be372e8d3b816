import { retryAfterMsOf } from '../../domain/retry-after.ts';
import { SinkAway, SinkGone, SinkRefusal, type AnalyticsSink, type SinkEvent } from '../sink.ts';
import { signaturesOf } from './webhook-signature.ts';

export interface WebhookOptions {
  /** Of the sink, as it stands with its deliveries. */
  readonly name: string;
  readonly url: string;
  /** `whsec_…`; each signs. */
  readonly secrets: readonly string[];
}

/** They say "not now" of a request that was well formed. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** Posts each event, signed as Standard Webhooks has it. */
export function createWebhookSink({ name, url, secrets }: WebhookOptions): AnalyticsSink {
  return {
    name,
    async deliver(event, signal, send) {
      const body = bodyOf(event);
      const timestamp = String(Math.floor(Date.now() / 1000));
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'Afterword',
        'webhook-id': event.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signaturesOf({ id: event.id, timestamp, body }, secrets),
      };
      const answer = await send({ method: 'POST', url, headers, body }, signal);
      judge(answer.status, answer.headers);
    },
  };
}

/** The same at each try. */
function bodyOf({ id, executionId, organizationId, payload, moment }: SinkEvent): string {
  return JSON.stringify({
    type: executionId === null ? 'analytics_event.test' : 'analytics_event.registered',
    timestamp: moment,
    data: { id, organization: organizationId, execution: executionId, ...payload },
  });
}

function judge(status: number, headers: Pick<Headers, 'get'>): void {
  if (status >= 200 && status < 300) return;
  const message = `The webhook answered ${String(status)}`;
  if (status === 410) throw new SinkGone(`${message}: it wants nothing any more`);
  if (status >= 300 && status < 400)
    throw new Error(`${message}; redirects are not followed: set the URL they lead to`);
  if (status >= 400 && status < 500 && !passing.has(status)) throw new SinkRefusal(message);
  const retryAfterMs = retryAfterMsOf(headers);
  if (status === 429 || retryAfterMs !== undefined) throw new SinkAway(message, retryAfterMs);
  throw new Error(message);
}
