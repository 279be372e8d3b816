import { v7 as uuidv7 } from 'uuid';
import type { SinkEvent } from '../analytics/sink.ts';
import { DatalakeChannels } from '../analytics/sinks/datalake-channels.ts';
import type { SinkTest } from '../contract/sink.ts';
import { deliveryPolicy } from '../domain/delivery-policy.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { StoredSink } from '../store/sinks.ts';
import { openSink } from './open-sink.ts';
import { createSendFromSink } from './send-from-sink.ts';

const errorCharacters = 1_000;

/** Sends one marked event to a sink, on or off; nothing of it is stored. */
export function createTestSink({ gateway, keys }: { readonly gateway: HttpGateway; readonly keys: Keyring }) {
  return async function testSink(stored: StoredSink): Promise<SinkTest> {
    const { organizationId } = stored;
    const { eventTimeoutMs } = deliveryPolicy;
    const channels = new DatalakeChannels((hostname, signal) => gateway.locate(hostname, signal, organizationId));
    const event = testEvent(organizationId);
    const start = performance.now();
    const ended = (error: string | null): SinkTest => ({
      delivered: error === null,
      error,
      eventId: event.id,
      ms: Math.round(performance.now() - start),
    });
    try {
      const sink = openSink({ keys, channelsOf: () => channels }, stored);
      const send = createSendFromSink(gateway, eventTimeoutMs, organizationId);
      await sink.deliver(event, AbortSignal.timeout(eventTimeoutMs), send);
      return ended(null);
    } catch (error) {
      return ended((error instanceof Error ? error.message : String(error)).slice(0, errorCharacters));
    } finally {
      channels.close();
    }
  };
}

function testEvent(organizationId: string): SinkEvent {
  const now = new Date().toISOString();
  const payload = {
    event_name: 'weni_nexus_data',
    key: 'afterword_test',
    date: now,
    project: organizationId,
    contact_urn: 'afterword:test',
    value_type: 'string',
    value: 'test',
    metadata: { afterword_test: true },
  };
  return {
    id: uuidv7(),
    organizationId,
    executionId: null,
    payload,
    moment: now.replace('Z', '000Z'),
    wireType: 'string',
  };
}
