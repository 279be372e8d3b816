/**
 * The one table of error codes. Three mappers read it: to Temporal's ApplicationFailure, to problem+json and to the
 * command line. docs/errors.md lists exactly these codes (tested).
 */
type ErrorKind = 'input' | 'auth' | 'missing' | 'conflict' | 'limit' | 'unavailable' | 'setup' | 'internal';

export interface ErrorEntry {
  readonly kind: ErrorKind;
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly title: string;
  /** What the reader can do about it. */
  readonly mend: string;
}

function entry(kind: ErrorKind, httpStatus: number, title: string, mend: string, retryable = false): ErrorEntry {
  return { kind, httpStatus, retryable, title, mend };
}

export const errorTable = {
  invalid_request: entry('input', 400, 'The request is not valid', 'Mend the fields that the answer names.'),
  invalid_json: entry(
    'input',
    400,
    'The body is not JSON',
    'Send one JSON document with Content-Type application/json.',
  ),
  unknown_event_type: entry('input', 400, 'The event type is not known', 'Use one of the types that the answer lists.'),
  event_id_missing: entry(
    'input',
    400,
    'The event has neither id nor occurredAt',
    'Send an id that is the same each time this event is sent, or occurredAt.',
  ),
  invalid_handler: entry('input', 400, 'The handler cannot be used', 'Mend what the answer names and push again.'),
  unauthorized: entry(
    'auth',
    401,
    'No valid API key',
    'Send Authorization: Bearer <key>; npm start prints where the key is.',
  ),
  forbidden: entry('auth', 403, 'The key may not do this', 'Use a key with the scope that the answer names.'),
  not_found: entry('missing', 404, 'There is no such thing', 'Check the id; it may belong to another organisation.'),
  conversation_not_found: entry(
    'missing',
    404,
    'The conversation is not known',
    'Send the conversation with the event, or check its id or public id.',
  ),
  organization_not_found: entry(
    'missing',
    404,
    'The organisation is not known',
    'Check the organisation that the publisher names; a server makes the one of AFTERWORD_ORGANIZATION.',
  ),
  handler_not_found: entry(
    'missing',
    404,
    'The handler is not known',
    'Run `afterword handlers list` to see the names.',
  ),
  execution_not_found: entry(
    'missing',
    404,
    'The execution is not known',
    'Run `afterword executions` to see the ids.',
  ),
  event_not_found: entry(
    'missing',
    404,
    'The conversation event is not known',
    'Check the id that publishing answered.',
  ),
  version_not_found: entry('missing', 404, 'The version is not known', 'Run `afterword handlers versions NAME`.'),
  method_not_allowed: entry(
    'missing',
    405,
    'This route does not take that method',
    'See the Allow header and /openapi.json.',
  ),
  event_id_reused: entry(
    'conflict',
    409,
    'The event id was used for another event',
    'Give every event an id of its own; the first event with this id stays as it was.',
  ),
  public_id_taken: entry(
    'conflict',
    409,
    'The public id belongs to another conversation',
    'Send the same conversation id with this public id as before.',
  ),
  handler_event_type_fixed: entry(
    'conflict',
    409,
    'A handler keeps its event type',
    'Make a new handler for the other type, and switch this one off.',
  ),
  execution_ended: entry(
    'conflict',
    409,
    'What should be cancelled has ended',
    'Nothing to do: what has ended cannot be cancelled; its effects stay.',
  ),
  payload_too_large: entry('limit', 413, 'The request is too large', 'Stay below the limit that the answer names.'),
  conversation_too_large: entry(
    'limit',
    413,
    'The conversation is too large',
    'A conversation holds at most 20,000 messages and 16 MB; a message at most 64 KB.',
  ),
  start_argument_too_large: entry(
    'limit',
    413,
    'The event is too large for a direct start',
    'Send it by HTTP: POST /api/v1/conversation-events.',
  ),
  store_unavailable: entry(
    'unavailable',
    503,
    'The database cannot be reached',
    'Start the database; then send this again.',
    true,
  ),
  disk_full: entry('unavailable', 507, 'The disk is full', 'Free some space; then send this again.', true),
  temporal_unavailable: entry(
    'unavailable',
    503,
    'Temporal cannot be reached',
    'Start Temporal or check TEMPORAL_ADDRESS; accepted events run when it is back.',
    true,
  ),
  handlers_busy: entry(
    'unavailable',
    503,
    'Other handlers of the organisation take its share of the worker',
    'Nothing to do: it is back in the queue. More workers, or more AFTERWORD_HANDLER_SLOTS, run more at once.',
    true,
  ),
  sandbox_failed: entry('unavailable', 500, 'The cage failed', 'It is tried again; see the worker log.', true),
  worker_lost: entry(
    'internal',
    500,
    'The worker was lost five times in a row',
    'See the worker logs around these times.',
  ),
  handler_failed: entry('internal', 500, 'The handler failed', 'See its error in the execution.', true),
  attempt_superseded: entry(
    'internal',
    409,
    'A newer attempt runs this execution',
    'Nothing to do: the newer attempt goes on.',
  ),
  store_locked: entry(
    'setup',
    500,
    'Another process owns the embedded store',
    'Stop the other process, or use PostgreSQL by DATABASE_URL.',
  ),
  schema_newer: entry(
    'setup',
    500,
    'The database is newer than this program',
    'Upgrade this program before you start it.',
  ),
  schema_missing: entry(
    'setup',
    500,
    'The database has not been migrated',
    'Run the migrations first: `afterword migrate`.',
  ),
  port_taken: entry(
    'setup',
    500,
    'The port is in use',
    'Stop the other program or choose another port by the variable named.',
  ),
  bad_configuration: entry(
    'setup',
    500,
    'The configuration is not valid',
    'Mend the variables that the message names.',
  ),
  python_missing: entry('setup', 500, 'No usable Python', 'Install CPython 3.10 or newer, or set AFTERWORD_PYTHON.'),
  temporal_cli_missing: entry('setup', 500, 'No Temporal CLI', 'Run `npm run setup`, or set TEMPORAL_CLI_PATH.'),
  temporal_start_failed: entry(
    'setup',
    500,
    'The Temporal development server does not run',
    'See what it said, above or in temporal.log; then start again.',
  ),
  server_unreachable: entry(
    'unavailable',
    503,
    'The Afterword server cannot be reached',
    'Start it with `npm start`, or set AFTERWORD_URL.',
    true,
  ),
  invalid_usage: entry(
    'input',
    400,
    'The command line is not valid',
    'Run the command with --help to see how it is used.',
  ),
  invalid_file: entry(
    'input',
    400,
    'The file cannot be used',
    'Mend the places that are named and run it again; nothing was sent.',
  ),
  local_changes: entry(
    'conflict',
    409,
    'Local files have changes that the server has never seen',
    'Push them first, or take the server’s state with --force.',
  ),
  types_outdated: entry(
    'conflict',
    409,
    'The types for editors are not up to date',
    'Write them anew: `afterword types --out` with the same file.',
  ),
  wait_timed_out: entry(
    'unavailable',
    504,
    'Waiting took longer than allowed',
    'The handlers go on by themselves: look again with `afterword executions`, or wait longer with --timeout.',
    true,
  ),
  internal: entry('internal', 500, 'Afterword failed', 'Try again; the log has this request id.', true),
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
  execution_not_ended: entry(
    'conflict',
    409,
    'The execution has not ended',
    'Wait for its end, then run it again; `afterword execution <id>` shows where it stands.',
  ),
  rerun_under_way: entry(
    'conflict',
    409,
    'A re-run from the same record is under way',
    'Wait for the execution that the answer names, or run it again with `fresh`: then every effect is repeated.',
  ),
  not_rerunnable: entry(
    'conflict',
    409,
    'Only executions of events can be run again',
    'Make another test run, or invoke the tool again.',
  ),
  helper_removed: entry(
    'conflict',
    409,
    'The version calls a helper that is no longer there',
    'Push a version that does without it, and run the execution again with `version: newest`.',
  ),
  run_cancelled: entry('conflict', 409, 'The run was cancelled', 'Nothing to do: no new calls are made.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;
