import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { searchAttributeNames } from './search-attributes.ts';

const host = '127.0.0.1';
const startTimeoutMs = 30_000;
const stopTimeoutMs = 3_000;
const keptErrorLines = 15;

/**
 * The development server's defaults put every step on a grid of 50 ms and every timer on one of a second. With
 * these an activity takes 26 ms instead of 150 and a worker does 70 workflows a second instead of 30 (2 cores).
 * The limits on updates are left as in production. Fairness: one organisation's backlog does not stand before another's.
 */
const dynamicConfig: Readonly<Record<string, number | boolean | string>> = {
  'history.transferProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxTimeShift': '10ms',
  'matching.enableFairness': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  'system.enableActivityEagerExecution': true,
  'system.forceSearchAttributesCacheRefreshOnRead': false,
};

/**
 * Becomes the server, after leaving a shell behind that waits for descriptor 3. That ends without a line when the
 * process that started the server dies, however it dies; then the shell ends the server.
 */
const startGuarded = `
( read -r _ <&3 && exit
  kill "$$" && sleep 3 && kill -KILL "$$"
) </dev/null >/dev/null 2>&1 &
exec "$0" "$@" 3<&-
`;

export interface TemporalDevServerOptions {
  /** The Temporal CLI. */
  readonly cliPath: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** Of the Web UI; 0: a free one; absent: no Web UI. */
  readonly uiPort?: number;
  /** Absent: everything is kept in memory and gone when the server ends. */
  readonly dbFilename?: string;
  readonly namespace?: string;
  /** The server's own log is appended here; absent: dropped. */
  readonly logFile?: string;
}

export interface TemporalDevServer {
  /** `host:port` */
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** SIGTERM, and SIGKILL after 3 s; resolves when the process is gone. */
  stop(): Promise<void>;
  readonly exited: Promise<ProcessEnd>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A fixed port is in use by another program. */
export class TemporalPortTaken extends Error {
  override readonly name = 'TemporalPortTaken';
}

/** The server did not become ready; the message ends with what it said last. */
export class TemporalStartFailed extends Error {
  override readonly name = 'TemporalStartFailed';
}

/**
 * Starts Temporal's development server with the settings that suit it to Afterword and waits until it serves its
 * namespace and knows our search attributes. It ends with this process, even when that is killed.
 */
export async function startTemporalDevServer(options: TemporalDevServerOptions): Promise<TemporalDevServer> {
  const namespace = options.namespace ?? 'default';
  const port = await claimPort(options.port, 'AFTERWORD_TEMPORAL_PORT');
  const uiPort = options.uiPort === undefined ? null : await claimPort(options.uiPort, 'AFTERWORD_TEMPORAL_UI_PORT');
  const address = `${host}:${port}`;

  const { child, lastErrors } = launch(options, serverArguments({ ...options, namespace, port, uiPort }));
  const exited = endOf(child);
  const stop = () => stopProcess(child, exited);
  const pid = child.pid;
  if (pid === undefined) throw new TemporalStartFailed('The shell that starts Temporal could not be started.');

  const abort = new AbortController();
  try {
    await Promise.race([
      waitUntilReady(address, namespace, abort.signal),
      exited.then(({ code, signal }) => {
        throw new TemporalStartFailed(
          `Temporal's development server (${options.cliPath}) ended at its start ` +
            `(${signal ?? `exit code ${String(code)}`}). It said:\n${lastErrors()}`,
        );
      }),
    ]);
  } catch (error) {
    await stop();
    if (error instanceof TemporalStartFailed) throw error;
    throw new TemporalStartFailed(
      `Temporal's development server was not ready after ${startTimeoutMs / 1000} s. It said:\n${lastErrors()}`,
      { cause: error },
    );
  } finally {
    abort.abort();
  }
  return { address, uiUrl: uiPort === null ? null : `http://${host}:${uiPort}`, pid, stop, exited };
}

function serverArguments(server: {
  port: number;
  uiPort: number | null;
  namespace: string;
  dbFilename?: string;
}): string[] {
  const { port, uiPort, namespace, dbFilename } = server;
  return [
    ...['server', 'start-dev', '--ip', host, '--port', String(port), '--namespace', namespace],
    ...(uiPort === null ? ['--headless'] : ['--ui-ip', host, '--ui-port', String(uiPort)]),
    // Without the pragmas a file makes the server 2.3 times slower, with them it is as fast as memory.
    ...(dbFilename === undefined
      ? []
      : ['--db-filename', dbFilename, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1']),
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
    ...searchAttributeNames.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

function launch(options: TemporalDevServerOptions, args: readonly string[]) {
  const { cliPath, dbFilename, logFile } = options;
  for (const file of [dbFilename, logFile]) if (file !== undefined) mkdirSync(dirname(file), { recursive: true });
  const log = logFile === undefined ? null : openSync(logFile, 'a');
  const child = spawn('/bin/sh', ['-c', startGuarded, cliPath, ...args], {
    // A group of its own: Ctrl-C is for us, who stop the workers before the server.
    detached: true,
    stdio: ['ignore', log ?? 'ignore', log ?? 'pipe', 'pipe'],
    // GOGC: 7% less CPU.
    env: { GOGC: '400', HOME: homedir(), PATH: '/usr/local/bin:/usr/bin:/bin' },
  });
  if (log !== null) closeSync(log);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-8_000);
  });
  const lastErrors = () =>
    (logFile === undefined ? errors : readFileSync(logFile, 'utf8'))
      .trim()
      .split('\n')
      .slice(-keptErrorLines)
      .join('\n');
  return { child, lastErrors };
}

async function waitUntilReady(address: string, namespace: string, stopped: AbortSignal): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      try {
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
        const known = Object.keys(customAttributes);
        if (searchAttributeNames.every((name) => known.includes(name))) return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) throw new Error('the search attributes were not registered');
    if (stopped.aborted) return;
    await delay(25);
  }
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', () => {
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => {
      // The line tells the guard that there is nothing left to end.
      const guard = child.stdio[3];
      if (guard && 'end' in guard) guard.end('\n');
      resolve({ code, signal });
    });
  });
}

async function stopProcess(child: ChildProcess, exited: Promise<ProcessEnd>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}

/** Says that a port is taken before the server fails on it less clearly. */
async function claimPort(wanted: number | undefined, variable: string): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted ?? 0, host, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return port;
  } catch (error) {
    throw new TemporalPortTaken(
      `Port ${wanted ?? 0} for Temporal's development server cannot be used: ` +
        `${error instanceof Error ? error.message : String(error)}. Is it in use, perhaps by another Afterword? ` +
        `${variable} chooses another one (0: any free one).`,
      { cause: error },
    );
  } finally {
    server.close();
  }
}
