import type { SendFromSink } from '../analytics/sink.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';

/** No organisation has this id: the operator's sinks have turns of their own. */
const operator = ' sinks';

/**
 * What sinks send goes the way of handlers' requests, without the lists of an organisation: who sets those up sets up its
 * sinks too.
 */
export function createSendFromSink(gateway: HttpGateway, timeoutMs: number, organization = operator): SendFromSink {
  return async ({ method, url, headers = {}, body = '' }, signal) => {
    const times = { connectMs: timeoutMs, readMs: timeoutMs, totalMs: timeoutMs };
    const request = {
      method,
      url,
      headers: Object.entries(headers),
      body: Buffer.from(body),
      insecure: false,
      organization,
    };
    const outcome = await gateway.send({ ...request, ...times }, signal);
    if (!outcome.ok) throw new Error(outcome.failure.message);
    const { response } = outcome;
    // Not the class Headers, which throws at what some servers send.
    const headersByName = new Map(response.headers);
    return {
      status: response.status,
      headers: { get: (name) => headersByName.get(name) ?? null },
      body: response.body.toString('utf8'),
    };
  };
}
