import { AfterwordError } from '../domain/errors.ts';
import type { Sheets } from '../helpers/services.ts';
import { readServiceAccount } from './credentials.ts';
import type { GoogleSettings } from './settings.ts';

/**
 * Reads the credentials at once, so that a bad key stops the start, and loads the client (27 MB) when it is first asked.
 * Throws `bad_configuration`.
 */
export function createSheets({ credentials, rootUrl }: GoogleSettings): Sheets {
  if (credentials === undefined) {
    const message = 'no Google account is configured: the worker needs AFTERWORD_GOOGLE_CREDENTIALS';
    return { append: () => Promise.reject(new AfterwordError('google_not_configured', message)) };
  }
  const account = readServiceAccount(credentials);
  let sheets: Promise<Sheets> | undefined;
  return {
    async append(row) {
      sheets ??= import('./google-sheets.ts').then(({ createGoogleSheets }) => createGoogleSheets(account, rootUrl));
      return (await sheets).append(row);
    },
  };
}
