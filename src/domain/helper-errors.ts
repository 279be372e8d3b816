import { entry, type ErrorEntry } from './error-entry.ts';

/** The part of the error table that helpers raise in handlers. */
export const helperErrors = {
  invalid_arguments: entry(
    'input',
    400,
    'The helper was called with wrong arguments',
    'Mend the argument that the message names.',
  ),
  limit_exceeded: entry('limit', 400, 'A limit was passed', 'Stay below the limit that the message names.'),
  helper_unavailable: entry(
    'unavailable',
    503,
    'The helper could not do its work',
    'Try again; see the call in the log.',
    true,
  ),
  llm_not_configured: entry(
    'setup',
    500,
    'No LLM is configured',
    'Set AFTERWORD_LLM_MODEL and AFTERWORD_LLM_API_KEY (or AFTERWORD_LLM_BASE_URL) for the workers.',
  ),
  llm_failed: entry(
    'internal',
    502,
    'The LLM gave no answer that can be used',
    'See what it said in the message; give the helper a fallback where it may fail.',
  ),
  google_not_configured: entry(
    'setup',
    500,
    'No Google account is configured',
    'Set AFTERWORD_GOOGLE_CREDENTIALS for the workers to the key of a service account.',
  ),
  google_refused: entry(
    'auth',
    502,
    'Google refused the request',
    'See what it said in the message: credentials, the API being enabled, or the request itself.',
  ),
  sheet_not_found: entry('missing', 404, 'There is no such spreadsheet', 'Check the id: it stands in its address.'),
  sheet_not_shared: entry(
    'auth',
    403,
    'The spreadsheet is not shared with the service account',
    'Share it with the address in the message, as an editor.',
  ),
  sheet_protected: entry(
    'auth',
    403,
    'The sheet is protected',
    'Let the service account edit the protected range, or remove the protection.',
  ),
  sheet_header_invalid: entry(
    'input',
    400,
    'Row 1 of the sheet is not a header',
    'Write a name of its own over each column in row 1.',
  ),
  sheet_column_unknown: entry(
    'input',
    400,
    'The sheet has no such column',
    'Use the names in row 1, letter by letter, or add the column there.',
  ),
} as const satisfies Record<string, ErrorEntry>;
