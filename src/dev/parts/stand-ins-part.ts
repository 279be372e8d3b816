import type { Config } from '../../config/config.ts';
import { startGoogleStandIn, type GoogleStandIn } from '../stand-ins/google-sheets.ts';
import { startReceiver, type Receiver } from '../stand-ins/receiver.ts';
import type { PartOptions } from './part-options.ts';

/** What the example handlers name; nobody else's. */
const exampleUrls = ['https://api.example.com', 'https://hooks.slack.com/services/YOUR/WEBHOOK/URL'];
export const exampleSpreadsheet = 'YOUR_SPREADSHEET_ID';

export interface StandIns {
  readonly receiver: Receiver;
  /** Undefined where Google is configured. */
  readonly google: GoogleStandIn | undefined;
  /** The same, but what the examples talk to are the stand-ins. */
  readonly config: Config;
}

/** In place of those whom the example handlers talk to: they run as they are, and one sees what would have arrived. */
export async function startStandInsPart({ config, closing }: PartOptions): Promise<StandIns> {
  const receiver = await startReceiver();
  closing.add('stand-ins', () => receiver.close());
  const led = exampleUrls.map((url): [string, string] => [url, receiver.url]);
  // What the operator leads elsewhere goes there.
  const origins = new Map([...config.http.origins, ...led.filter(([url]) => !config.http.origins.has(url))]);
  const withReceiver = { ...config, http: { ...config.http, origins } };
  if (config.google.credentials !== undefined) return { receiver, google: undefined, config: withReceiver };

  const google = await startGoogleStandIn();
  closing.add('stand-ins', () => google.close());
  google.create(exampleSpreadsheet);
  const settings = { credentials: google.credentials, rootUrl: google.url };
  return { receiver, google, config: { ...withReceiver, google: settings } };
}
