import { entry, type ErrorEntry } from './error-entry.ts';

/** A part of the error table: executions, what follows them, drafts of handlers. */
export const executionErrors = {
  too_many_executions: entry(
    'limit',
    400,
    'The filter matches more executions than one request may run again',
    'Narrow the filter, by time for one, and send several requests; `dryRun` says how many it matches.',
  ),
  too_many_streams: entry(
    'limit',
    429,
    'The organisation has as many event streams open as it may',
    'Close one that nobody reads, or ask for the list now and then instead.',
    true,
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
  record_removed: entry(
    'conflict',
    409,
    'The record of the execution is kept no longer',
    'Run it again with `fresh`: then every effect is repeated.',
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
  draft_not_found: entry(
    'missing',
    404,
    'The handler has no draft',
    'Save one first: `afterword handlers draft NAME FILE`, or PUT /handlers/{name}/draft.',
  ),
  handler_changed: entry(
    'conflict',
    409,
    'Somebody changed the handler meanwhile',
    'Look at what changed, GET /handlers/{name}/diff, and deploy again with the version that is current now.',
  ),
} as const satisfies Record<string, ErrorEntry>;
