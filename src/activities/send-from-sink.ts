import type { SendFromSink } from '../analytics/sink.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';

/** No organisation has this id: sinks have turns of their own. */
const sinks = ' sinks';

/** What sinks send goes the way of handlers' requests, without the rules of an organisation: the operator chose them. */
export function createSendFromSink(gateway: HttpGateway, timeoutMs: number): SendFromSink {
  return async ({ method, url, headers = {}, body = '' }, signal) => {
    const times = { connectMs: timeoutMs, readMs: timeoutMs, totalMs: timeoutMs };
    const request = {
      method,
      url,
      headers: Object.entries(headers),
      body: Buffer.from(body),
      insecure: false,
      organization: sinks,
    };
    const outcome = await gateway.send({ ...request, ...times }, signal);
    if (!outcome.ok) throw new Error(outcome.failure.message);
    return { status: outcome.response.status, body: outcome.response.body.toString('utf8') };
  };
}
