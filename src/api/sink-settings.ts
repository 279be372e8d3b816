import type { SinkChange, SinkCredentials, SinkInput, SinkSettings } from '../contract/sink.ts';
import { invalidRequest } from '../contract/field-errors.ts';

/** What a sink is told, parted into what may be read and what is sealed. */
export interface PartedSink {
  readonly settings: SinkSettings;
  readonly credentials: SinkCredentials;
}

const noCredentials: SinkCredentials = { secrets: [], metadata: {}, query: '' };

export function newSinkOf(input: SinkInput): PartedSink {
  if (input.kind === 'webhook') {
    const { url, query } = partsOf(input.url);
    const { secrets } = input;
    return {
      settings: { kind: 'webhook', url, secrets: secrets.length },
      credentials: { ...noCredentials, secrets, query },
    };
  }
  const { address, tls, caCertificate = null, deadlineMs, metadata } = input;
  return {
    settings: { kind: 'datalake', address, tls, caCertificate, deadlineMs, metadata: Object.keys(metadata).sort() },
    credentials: { ...noCredentials, metadata },
  };
}

const ofWebhooks = ['url', 'secrets'] as const;
const ofDatalakes = ['address', 'tls', 'caCertificate', 'deadlineMs', 'metadata'] as const;

/** Throws `invalid_request` for what a sink of this kind does not have. */
export function changedSinkOf(change: SinkChange, { settings, credentials }: PartedSink): PartedSink {
  const { kind } = settings;
  const foreign = (kind === 'webhook' ? ofDatalakes : ofWebhooks).filter((field) => change[field] !== undefined);
  if (foreign.length > 0) {
    const message = `is not a field of a ${kind}`;
    throw invalidRequest(
      foreign.map((field) => ({ field, message })),
      'body',
    );
  }
  if (settings.kind === 'webhook') {
    const { url, query } =
      change.url === undefined ? { url: settings.url, query: credentials.query } : partsOf(change.url);
    const { secrets = credentials.secrets } = change;
    return { settings: { ...settings, url, secrets: secrets.length }, credentials: { ...credentials, secrets, query } };
  }
  const { metadata = credentials.metadata, address, tls, caCertificate, deadlineMs } = change;
  return {
    settings: {
      kind: 'datalake',
      address: address ?? settings.address,
      tls: tls ?? settings.tls,
      caCertificate: caCertificate === undefined ? settings.caCertificate : caCertificate,
      deadlineMs: deadlineMs ?? settings.deadlineMs,
      metadata: Object.keys(metadata).sort(),
    },
    credentials: { ...credentials, metadata },
  };
}

export function hasCredentials({ secrets, metadata, query }: SinkCredentials): boolean {
  return secrets.length > 0 || Object.keys(metadata).length > 0 || query !== '';
}

/** A token often stands in the query. */
function partsOf(text: string): { url: string; query: string } {
  const { href, search } = new URL(text);
  return { url: href.slice(0, href.length - search.length), query: search };
}
