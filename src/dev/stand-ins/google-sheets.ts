import { z } from 'zod';
import { metadataResource, spreadsheetResource } from './google/answers.ts';
import { ApiFault, googleError } from './google/api-fault.ts';
import { BatchUpdate, carryOut } from './google/batch-update.ts';
import { applyMask } from './google/field-mask.ts';
import { filledRows, newSheet, plainValue, type Sheet, type Spreadsheet } from './google/spreadsheet.ts';
import { createTokens } from './google/token.ts';
import { startStandIn, type Received, type Reply, type StandInServer } from './stand-in-server.ts';

/** Speaks Google's token endpoint and Sheets API v4, as far as appending rows needs them. */
export interface GoogleStandIn extends StandInServer {
  /** For AFTERWORD_GOOGLE_CREDENTIALS. */
  readonly credentials: string;
  readonly email: string;
  /** A spreadsheet shared with the account; its rows as texts, the header first. */
  create(spreadsheetId: string, options?: NewSpreadsheet): Spreadsheet;
  /** One that was created. */
  find(spreadsheetId: string): Spreadsheet;
  /** What stands in the first sheet. */
  rows(spreadsheetId: string): (string | number | boolean | null)[][];
}

interface NewSpreadsheet {
  readonly rows?: readonly (readonly string[])[];
  readonly sheet?: Partial<Sheet>;
  readonly shared?: boolean;
}

const MetadataSearch = z.strictObject({
  dataFilters: z.tuple([z.strictObject({ developerMetadataLookup: z.strictObject({ metadataId: z.int() }) })]),
});

export interface GoogleStandInOptions {
  readonly port?: number;
  /** Reads, and as many writes, that are answered before the quota is used up. */
  readonly quota?: number;
  /** Makes a spreadsheet that is asked for and does not exist. */
  readonly createAsked?: boolean;
}

export async function startGoogleStandIn(options: GoogleStandInOptions = {}): Promise<GoogleStandIn> {
  const { port, quota = Infinity, createAsked = false } = options;
  const email = 'afterword@stand-in.iam.gserviceaccount.com';
  const tokens = createTokens(email);
  const spreadsheets = new Map<string, Spreadsheet>();
  const used = { read: 0, write: 0 };

  function create(spreadsheetId: string, { rows = [], sheet = {}, shared = true }: NewSpreadsheet = {}): Spreadsheet {
    const values = rows.map((row) => row.map((text) => (text === '' ? undefined : { stringValue: text })));
    const spreadsheet: Spreadsheet = {
      spreadsheetId,
      editors: shared ? [email] : [],
      sheets: [newSheet({ rows: values, ...sheet })],
      metadata: [],
    };
    spreadsheets.set(spreadsheetId, spreadsheet);
    return spreadsheet;
  }

  function find(spreadsheetId: string): Spreadsheet {
    const spreadsheet = spreadsheets.get(spreadsheetId) ?? (createAsked ? create(spreadsheetId) : undefined);
    if (spreadsheet === undefined) throw new ApiFault(404, 'NOT_FOUND', 'Requested entity was not found.');
    if (!spreadsheet.editors.includes(email)) {
      throw new ApiFault(403, 'PERMISSION_DENIED', 'The caller does not have permission');
    }
    return spreadsheet;
  }

  function count(kind: 'read' | 'write'): void {
    used[kind] += 1;
    if (used[kind] <= quota) return;
    const text = `Quota exceeded for quota metric '${kind} requests' and limit '${kind} requests per minute per user' of service 'sheets.googleapis.com'.`;
    throw new ApiFault(429, 'RESOURCE_EXHAUSTED', text, 'RATE_LIMIT_EXCEEDED');
  }

  function update(spreadsheetId: string, body: string): object {
    count('write');
    const spreadsheet = find(spreadsheetId);
    const parsed = BatchUpdate.safeParse(JSON.parse(body));
    if (!parsed.success) throw new ApiFault(400, 'INVALID_ARGUMENT', `Invalid JSON payload: ${parsed.error.message}`);
    const { requests, includeSpreadsheetInResponse, responseRanges } = parsed.data;
    const copy = structuredClone(spreadsheet);
    carryOut(copy, requests);
    const after = includeSpreadsheetInResponse ? { updatedSpreadsheet: spreadsheetResource(copy, responseRanges) } : {};
    Object.assign(spreadsheet, copy);
    return { spreadsheetId, replies: requests.map(() => ({})), ...after };
  }

  function search(spreadsheetId: string, body: string): object {
    count('read');
    const [filter] = MetadataSearch.parse(JSON.parse(body)).dataFilters;
    const found = find(spreadsheetId).metadata.filter(
      ({ metadataId }) => metadataId === filter.developerMetadataLookup.metadataId,
    );
    if (found.length === 0) return {};
    return { matchedDeveloperMetadata: found.map((one) => ({ developerMetadata: metadataResource(one) })) };
  }

  function answer({ method, url, body }: Received): object {
    const [, spreadsheetId = '', action] =
      /^\/v4\/spreadsheets\/([^/:]+)(:\w+|\/developerMetadata:search)?$/.exec(url.pathname) ?? [];
    if (method === 'GET' && action === undefined && spreadsheetId !== '') {
      count('read');
      return spreadsheetResource(find(spreadsheetId), url.searchParams.getAll('ranges'));
    }
    if (method === 'POST' && action === ':batchUpdate') return update(spreadsheetId, body);
    if (method === 'POST' && action === '/developerMetadata:search') return search(spreadsheetId, body);
    throw new ApiFault(404, 'NOT_FOUND', `The requested URL ${url.pathname} was not found on this server.`);
  }

  const server = await startStandIn((request): Reply => {
    if (request.url.pathname === '/token') return tokens.answer(request.body);
    if (!tokens.isGood(request.headers.authorization)) {
      return googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    }
    try {
      return { status: 200, body: applyMask(answer(request), request.url.searchParams.get('fields')) };
    } catch (error) {
      if (error instanceof ApiFault) return error.reply;
      throw error;
    }
  }, port);
  return {
    ...server,
    credentials: tokens.credentials,
    email,
    create,
    find,
    rows: (spreadsheetId) => {
      const [sheet] = spreadsheets.get(spreadsheetId)?.sheets ?? [];
      return sheet === undefined ? [] : filledRows(sheet).map((row) => Array.from(row, plainValue));
    },
  };
}
