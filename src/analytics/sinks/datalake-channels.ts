import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';

/** An address that was checked, for a host name. */
export type Locate = (
  hostname: string,
  signal: AbortSignal,
) => Promise<{ readonly address: string; readonly family: number }>;

export interface Datalake {
  readonly host: string;
  readonly port: number;
  /** False: plain text. */
  readonly tls: boolean;
  /** PEM; left out: the certificates that Node trusts. */
  readonly caCertificate?: string | undefined;
}

interface Kept {
  readonly client: Client;
  readonly close: NodeJS.Timeout;
}

/** After this long the name is looked up again: an address may have been given to somebody else. */
const keptMs = 60_000;
const mostKept = 50;

/**
 * Connections to datalakes, kept for the next event. Each goes to an address that was checked and to no other: gRPC would
 * look the name up by itself, and again at each reconnect.
 */
export class DatalakeChannels {
  readonly #locate: Locate;
  readonly #kept = new Map<string, Kept>();

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  /** Rejects where the host may not be reached, saying why. */
  async open(datalake: Datalake, signal: AbortSignal): Promise<Client> {
    const key = JSON.stringify(datalake);
    const known = this.#kept.get(key);
    if (known !== undefined) return known.client;
    const located = await this.#locate(datalake.host, signal);
    // Another event may have opened it meanwhile.
    return this.#kept.get(key)?.client ?? this.#keep(key, connect(datalake, located));
  }

  /** The next event has it opened anew. */
  drop(datalake: Datalake): void {
    this.#close(JSON.stringify(datalake));
  }

  close(): void {
    for (const key of [...this.#kept.keys()]) this.#close(key);
  }

  #keep(key: string, client: Client): Client {
    const close = setTimeout(() => {
      this.#close(key);
    }, keptMs);
    this.#kept.set(key, { client, close: close.unref() });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#close(oldest);
    return client;
  }

  /** Calls under way are answered first. */
  #close(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    clearTimeout(kept.close);
    kept.client.close();
  }
}

function connect(datalake: Datalake, { address, family }: { address: string; family: number }): Client {
  const { host, port, tls } = datalake;
  const target = family === 6 ? `ipv6:[${address}]:${String(port)}` : `ipv4:${address}:${String(port)}`;
  return new Client(target, tls ? secure(datalake) : credentials.createInsecure(), {
    'grpc.default_authority': `${host}:${String(port)}`,
    // The certificate is that of the host, whatever its address.
    ...(tls ? { 'grpc.ssl_target_name_override': host } : {}),
    // A proxy of the environment would be reached in the place of the address that was checked.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    // Who tries again is the delivery.
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.use_local_subchannel_pool': 1,
  });
}

const maxAnswerBytes = 64 * 1024;

function secure({ caCertificate }: Datalake): ChannelCredentials {
  return credentials.createSsl(caCertificate === undefined ? null : Buffer.from(caCertificate));
}
