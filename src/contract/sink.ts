import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { limits } from '../domain/limits.ts';

const SinkName = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(limits.sinkNameCharacters)
  .refine((name) => name !== 'store', { error: '"store" is the name of the system’s own' });

const Enabled = z.boolean().meta({ description: 'Off: it gets no new events, and what waits for it goes on waiting.' });

const WebhookUrl = z
  .string()
  .max(limits.sinkUrlCharacters)
  .refine(isWebhookUrl, { error: 'must be an absolute http or https URL without user, password and fragment' })
  .meta({ description: 'Its query is not shown again.' });

function isWebhookUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/u.test(url.protocol) && url.username + url.password + url.hash === '';
}

const { webhookSecretBytes: secretBytes } = limits;

const WebhookSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/u, '"whsec_" and base64')
  .refine(
    (secret) => {
      const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64');
      return length >= secretBytes.least && length <= secretBytes.most;
    },
    { error: `must hold ${String(secretBytes.least)} to ${String(secretBytes.most)} bytes, as base64 after "whsec_"` },
  );

const WebhookSecrets = z.array(WebhookSecret).min(1).max(limits.webhookSecrets).meta({
  description: 'Never shown again. Each signs: give the new and the old one while the receiver changes over.',
});

const Address = z.string().refine((text) => parseAddress(text) !== null, {
  error: 'expected a host and a port, such as datalake.example.com:443',
});

/** `host:port`; an IPv6 address in brackets. Null where it is neither. */
export function parseAddress(text: string): { host: string; port: number } | null {
  const parts = /^(?<host>\[[\da-f:.]+\]|[^\s:/?#@[\]\\]+):(?<port>\d{1,5})$/iu.exec(text)?.groups;
  const port = Number(parts?.port);
  const host = URL.parse(`http://${parts?.host ?? ''}/`)?.hostname;
  return host === undefined || !(port >= 1 && port <= 65_535) ? null : { host, port };
}

const CaCertificate = z
  .string()
  .max(limits.caCertificateBytes)
  .refine(isCertificate, { error: 'must be a certificate as PEM' })
  .meta({
    description: 'PEM of who signed the datalake’s certificate; left out: the authorities that everybody trusts.',
  });

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== '';
  } catch {
    return false;
  }
}

const DeadlineMs = z.int().min(limits.sinkDeadlineMs.least).max(limits.sinkDeadlineMs.most);

/** gRPC's own, and the one that is ours. */
const reserved = /^grpc-|-bin$|^(?:idempotency-key|host|te|content-type|user-agent)$/u;

const MetadataName = z
  .string()
  .max(limits.sinkMetadataNameCharacters)
  .regex(/^[a-z0-9_.-]+$/u, 'lower-case letters, digits, ".", "_" and "-"')
  .refine((name) => !reserved.test(name), { error: 'is gRPC’s own, or ours' });

const MetadataValue = z
  .string()
  .max(limits.sinkMetadataValueCharacters)
  .regex(/^[!-~](?:[ -~]*[!-~])?$/u, 'printable ASCII without spaces at its ends');

const CallMetadata = z
  .record(MetadataName, MetadataValue)
  .refine((metadata) => Object.keys(metadata).length <= limits.sinkMetadata, {
    error: `at most ${String(limits.sinkMetadata)} of them`,
  })
  .meta({ description: 'Sent with each event, such as `authorization`; the values are never shown again.' });

const WebhookInput = z
  .strictObject({
    kind: z.literal('webhook'),
    name: SinkName,
    enabled: Enabled.default(true),
    url: WebhookUrl,
    secrets: WebhookSecrets,
  })
  .meta({ id: 'WebhookSinkInput' });

const DatalakeInput = z
  .strictObject({
    kind: z.literal('datalake'),
    name: SinkName,
    enabled: Enabled.default(true),
    address: Address,
    tls: z.boolean().default(true).meta({ description: 'False: plain text, which anybody on the way can read.' }),
    caCertificate: CaCertificate.nullish(),
    deadlineMs: DeadlineMs.default(limits.sinkDeadlineMs.usual),
    metadata: CallMetadata.default({}),
  })
  .meta({ id: 'DatalakeSinkInput' });

export const SinkInput = z.discriminatedUnion('kind', [WebhookInput, DatalakeInput]).meta({ id: 'SinkInput' });
export type SinkInput = z.infer<typeof SinkInput>;

/** What is left out stays; a kind stays. */
export const SinkChange = z
  .strictObject({
    name: SinkName,
    enabled: Enabled,
    url: WebhookUrl,
    secrets: WebhookSecrets,
    address: Address,
    tls: z.boolean(),
    caCertificate: CaCertificate.nullable(),
    deadlineMs: DeadlineMs,
    metadata: CallMetadata,
  })
  .partial()
  .meta({ id: 'SinkChange' });
export type SinkChange = z.infer<typeof SinkChange>;

const count = z.int().nonnegative();

const common = {
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  offReason: z.string().nullable().meta({ description: 'Why it was switched off, where nobody did it.' }),
  pending: count.meta({ description: 'Deliveries that wait.' }),
  dead: count.meta({ description: 'Deliveries that were given up: its dead letters.' }),
  restsUntil: z.string().nullable().meta({ description: 'Until when it is left alone, because it failed.' }),
  lastError: z.string().nullable().meta({ description: 'Why it took nothing, where it took nothing last.' }),
  createdAt: z.string(),
  updatedAt: z.string(),
};

export const Sink = z
  .discriminatedUnion('kind', [
    z
      .object({
        ...common,
        kind: z.literal('webhook'),
        url: z.string().meta({ description: 'Without its query.' }),
        secrets: count.meta({ description: 'How many sign.' }),
      })
      .meta({ id: 'WebhookSink' }),
    z
      .object({
        ...common,
        kind: z.literal('datalake'),
        address: z.string(),
        tls: z.boolean(),
        caCertificate: z.string().nullable(),
        deadlineMs: z.int(),
        metadata: z.array(z.string()).meta({ description: 'Names only.' }),
      })
      .meta({ id: 'DatalakeSink' }),
  ])
  .meta({ id: 'Sink' });
export type Sink = z.infer<typeof Sink>;

export const SinkTest = z
  .object({
    delivered: z.boolean(),
    error: z.string().nullable().meta({ description: 'Why it did not arrive.' }),
    eventId: z.string().meta({ description: 'Of the test event, for whoever looks for it at the other end.' }),
    ms: z.int(),
  })
  .meta({ id: 'SinkTest' });
export type SinkTest = z.infer<typeof SinkTest>;

/** What is stored of a sink in the open. */
export const SinkSettings = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('webhook'), url: z.string(), secrets: count }),
  z.object({
    kind: z.literal('datalake'),
    address: z.string(),
    tls: z.boolean(),
    caCertificate: z.string().nullable(),
    deadlineMs: z.int(),
    metadata: z.array(z.string()),
  }),
]);
export type SinkSettings = z.infer<typeof SinkSettings>;

/** What is sealed. */
export const SinkCredentials = z.object({
  secrets: z.array(z.string()).default([]),
  metadata: z.record(z.string(), z.string()).default({}),
  /** Of a webhook's URL, with its `?`. */
  query: z.string().default(''),
});
export type SinkCredentials = z.infer<typeof SinkCredentials>;
