import type { Sink } from '../contract/sink.ts';
import { AfterwordError } from '../domain/errors.ts';
import { readSettingFile, readSinkSettings } from './sink-settings-file.ts';

export type SinkKind = Sink['kind'];

export interface SinkSetOptions {
  readonly webhook?: string;
  readonly secret?: true;
  readonly datalake?: string;
  readonly tls?: boolean;
  readonly caCertificate?: string;
  /** Milliseconds. */
  readonly deadline?: number;
  readonly metadata?: string;
  readonly fromFile?: string;
  readonly settings?: string;
  readonly rename?: string;
}

/** In place of a file. */
const none = 'none';

/**
 * Fields of a sink from options and, where those do not say, from the settings file. Throws `invalid_usage`, `invalid_file`.
 */
export async function settingsOf(
  cwd: string,
  named: string,
  options: SinkSetOptions,
): Promise<Readonly<Record<string, unknown>>> {
  if (Object.keys(options).length === 0) {
    throw new AfterwordError(
      'invalid_usage',
      'Nothing to set: name an option, such as --webhook, --datalake or --settings.',
    );
  }
  if (options.secret === true && options.metadata !== undefined) {
    throw new AfterwordError('invalid_usage', '--secret is of webhooks, --metadata of datalakes: one of them.');
  }
  const { webhook: url, datalake: address, tls, caCertificate, deadline, settings } = options;
  if (url !== undefined) refuseQuery(url);
  const fromFile = settings === undefined ? {} : await readSinkSettings(cwd, settings);
  if (fromFile.name !== undefined && fromFile.name !== named) {
    throw new AfterwordError('invalid_file', `${String(settings)} is of another sink: its "name" is not "${named}".`);
  }
  return {
    ...fromFile,
    ...(url === undefined ? {} : { url }),
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(caCertificate === undefined
      ? {}
      : { caCertificate: caCertificate === none ? null : await readSettingFile(cwd, caCertificate) }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
  };
}

/** Tokens stand there, and in the part before the host. */
function refuseQuery(text: string): void {
  const url = URL.parse(text);
  if (url === null || (url.search === '' && url.username === '' && url.password === '')) return;
  throw new AfterwordError(
    'invalid_usage',
    'What stands before the host of a URL or behind its "?" is a secret, which is never an argument: put the URL into a --settings file.',
  );
}
