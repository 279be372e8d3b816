import type { AnalyticsSink } from '../analytics/sink.ts';
import type { DatalakeChannels } from '../analytics/sinks/datalake-channels.ts';
import { createDatalakeSink } from '../analytics/sinks/datalake-sink.ts';
import { createWebhookSink } from '../analytics/sinks/webhook-sink.ts';
import { parseAddress, SinkCredentials } from '../contract/sink.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { StoredSink } from '../store/sinks.ts';

export interface OpenSinkDeps {
  readonly keys: Keyring;
  readonly channelsOf: (organizationId: string) => DatalakeChannels;
}

/** What delivers to a sink that an organisation has set up. Throws where its credentials do not open. */
export function openSink({ keys, channelsOf }: OpenSinkDeps, stored: StoredSink): AnalyticsSink {
  const { id, organizationId, settings } = stored;
  const { secrets, query, metadata } = credentialsOf(keys, stored);
  if (settings.kind === 'webhook') return createWebhookSink({ name: id, url: settings.url + query, secrets });
  const { address, tls, caCertificate, deadlineMs } = settings;
  const { host, port } = parseAddress(address) ?? { host: address, port: 0 };
  const where = { host: host.replace(/^\[|\]$/gu, ''), port, tls, caCertificate: caCertificate ?? undefined };
  return createDatalakeSink({ name: id, ...where, deadlineMs, metadata }, channelsOf(organizationId));
}

/** Of a sink without any: none. */
function credentialsOf(keys: Keyring, { id, organizationId, sealed }: StoredSink): SinkCredentials {
  if (sealed === null) return SinkCredentials.parse({});
  return SinkCredentials.parse(JSON.parse(keys.open(sealed, ['sink', organizationId, id])));
}
