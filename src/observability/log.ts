import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Which process speaks: server, worker, dev. */
  readonly process: string;
}

/** Names whose values never reach the log, wherever in the first two levels of a line they stand. */
const secretNames = ['authorization', 'apiKey', 'adminKey', 'key', 'password', 'secret', 'databaseUrl', 'token'];

const standardOutput = 1;
const waitingLineBytes = 1 << 20;

/**
 * Writes lines to a file synchronously: a crash loses none. Where it cannot be written (the disk is full, the reader
 * is gone) the program goes on: 1 MB of lines waits for better times, more are dropped.
 */
export function openLogDestination(file: string | number): DestinationStream {
  const opened = pino.destination({ dest: file, sync: true, mode: 0o600, maxLength: waitingLineBytes });
  opened.on('error', () => undefined);
  return opened;
}

/** JSON lines on standard output, or where `destination` says. */
export function createLog(
  { level, process }: LogOptions,
  destination: DestinationStream = openLogDestination(standardOutput),
): Log {
  const options = {
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
    serializers: { err: describeError },
  };
  return pino(options, destination);
}

/**
 * Only what a reader needs of an error. Drivers hang more on theirs: the row that was refused, the parameters, the
 * connection's address with its password.
 */
function describeError(error: unknown): unknown {
  return describe(error, 0);
}

const causesShown = 4;

function describe(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return { message: withoutPasswords(String(error)) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const cause = error.cause === undefined || depth >= causesShown ? {} : { cause: describe(error.cause, depth + 1) };
  return {
    type: error.name,
    ...code,
    message: withoutPasswords(error.message),
    stack: withoutPasswords(error.stack ?? ''),
    ...cause,
  };
}

function withoutPasswords(text: string): string {
  return text.replaceAll(/(\w+:\/\/[^\s:@/]*):[^\s@]*@/g, '$1:[hidden]@');
}
