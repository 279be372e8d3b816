import { AfterwordError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Log } from './log.ts';

/** One function for each thing that the server and its relay have to say. */

export function logServerListening(log: Log, url: string): void {
  log.info({ url }, 'The API is listening');
}

export function warnOfOpenHost(log: Log, host: string): void {
  log.warn(
    { host },
    'AFTERWORD_HOST is not a loopback address: whoever reaches this machine reaches the API, and keys travel unencrypted ' +
      'unless a proxy in front speaks TLS',
  );
}

export function logServerStopping(log: Log, reason: string): void {
  log.info({ reason }, 'The server is stopping');
}

export function logServerStopped(log: Log, cutOff: boolean): void {
  if (cutOff) log.warn('The server has stopped; some requests were cut off');
  else log.info('The server has stopped');
}

export function logServerFailed(log: Log, err: unknown): void {
  if (err instanceof AfterwordError) {
    log.fatal({ code: err.code, detail: err.message, mend: err.entry.mend }, 'The server cannot run');
  } else log.fatal({ err }, 'The server cannot run');
}

export interface RequestFacts {
  readonly requestId: string;
  readonly method: string;
  /** Without the query: it may hold personal data. */
  readonly path: string;
}

export function logRequest(log: Log, facts: RequestFacts & { status: number; durationMs: number }): void {
  log.debug(facts, 'Request');
}

export function logRequestFailed(log: Log, facts: RequestFacts, code: ErrorCode, err: unknown): void {
  log.error({ ...facts, code, err }, 'The request failed');
}

/** What was asked for is done all the same. */
export function logAnswerNotKept(log: Log, requestId: string, err: unknown): void {
  log.error({ requestId, err }, 'The answer to a request with an Idempotency-Key could not be kept');
}

/** The change is done: this line is all that says so. */
export function logAuditFailed(log: Log, entry: object, err: unknown): void {
  log.error({ entry, err }, 'The entry of the audit log could not be written');
}

export function logEventAccepted(
  log: Log,
  facts: { organizationId: string; eventId: string; workflowId: string; duplicate: boolean; handlers: number },
): void {
  log.debug(facts, 'Conversation event accepted');
}

/** The event is safe in the store and the relay starts its workflow. */
export function logStartLeftToRelay(log: Log, facts: { workflowId: string; reason: string }): void {
  log.debug(facts, 'The start of the workflow is left to the relay');
}

export function logStartFailed(log: Log, workflowId: string, err: unknown): void {
  log.error({ workflowId, err }, 'The workflow could not be started; it is tried again in some minutes');
}

export function logStreamFailed(log: Log, requestId: string, err: unknown): void {
  log.error({ requestId, err }, 'A stream of events was ended; its reader comes back');
}

export function logRelayStarted(log: Log, facts: { workflowId: string; alreadyStarted: boolean }): void {
  if (facts.alreadyStarted) log.debug(facts, 'A workflow waits for a worker');
  else log.info(facts, 'The relay started a workflow that nobody had taken up');
}

export function logRelayCancelled(log: Log, facts: { workflowId: string }): void {
  log.info(facts, 'The relay cancelled a run that no worker took up while somebody waited for it');
}

export function logStatisticsFailed(log: Log, err: unknown): void {
  log.debug({ err }, 'The store could not count what stands in its tables; plans of its queries may be slower');
}

export function logRelayOutage(log: Log, code: ErrorCode, err: unknown): void {
  log.warn({ code, err }, 'The relay cannot work; it goes on trying and says when it is back');
}

export function logRelayBack(log: Log, outageMs: number): void {
  log.info({ outageMs }, 'The relay works again');
}

export function logRedeliveryNotAsked(log: Log, err: unknown): void {
  log.warn({ err }, 'The redelivery of analytics events could not be asked for; it comes in some minutes');
}
