import { auth, sheets as createClient, type sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import type { NewRow, Sheets, WrittenRow } from '../helpers/services.ts';
import type { ServiceAccount } from './credentials.ts';
import { isUnauthorized, toAfterwordError } from './google-errors.ts';
import { RowAppender, type Appended } from './row-appender.ts';
import { SpreadsheetApi } from './spreadsheet-api.ts';

const scope = 'https://www.googleapis.com/auth/spreadsheets';
const tokenUrl = 'https://oauth2.googleapis.com/token';
const tokenTimeoutMs = 10_000;
/** A handler waits for it. */
const forgetTimeoutMs = 3_000;

/** Google Sheets by its API. Temporal tries again, the client never does. */
export function createGoogleSheets(account: ServiceAccount, rootUrl: string | undefined): Sheets {
  let client = connect(account, rootUrl);
  const appender = new RowAppender();

  /** A token that is refused before its time is renewed once; the client itself would send it again. */
  async function appendSignedIn(row: NewRow, signal: AbortSignal): Promise<Appended> {
    const api = () => new SpreadsheetApi(client, row.spreadsheetId, signal);
    try {
      return await appender.append(api(), row);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      client = connect(account, rootUrl);
      return await appender.append(api(), row);
    }
  }

  return {
    async append(row: NewRow): Promise<WrittenRow> {
      const signal = AbortSignal.any([row.signal, AbortSignal.timeout(row.timeoutMs)]);
      try {
        const written = await appendSignedIn(row, signal);
        return {
          updatedRange: written.updatedRange,
          forget: () =>
            written.forget(new SpreadsheetApi(client, row.spreadsheetId, AbortSignal.timeout(forgetTimeoutMs))),
        };
      } catch (error) {
        throw toAfterwordError(error, account.email, row.signal);
      }
    },
  };
}

function connect({ email, privateKey }: ServiceAccount, rootUrl: string | undefined): sheets_v4.Sheets {
  const jwt = new auth.JWT({ email, key: privateKey, scopes: scope });
  // The client knows no option for the address of its tokens, and tries again by itself.
  jwt.transporter.interceptors.request.add({
    resolved(config) {
      if (String(config.url) !== tokenUrl) return Promise.resolve(config);
      const { retryConfig, ...once } = config;
      const url = rootUrl === undefined ? config.url : new URL('/token', rootUrl);
      return Promise.resolve({ ...once, url, retry: false, timeout: tokenTimeoutMs });
    },
  });
  return createClient({
    version: 'v4',
    auth: jwt,
    retry: false,
    ...(rootUrl === undefined ? {} : { rootUrl: `${rootUrl}/` }),
  });
}
