import type { Execution } from '../contract/execution.ts';
import { isFinal } from '../domain/status.ts';
import type { ApiClient, ExecutionLogs } from './api-client.ts';
import type { Invocation } from './environment.ts';
import { LogFollower } from './log-lines.ts';
import type { LogsOptions } from './logs.ts';
import { statusText } from './output.ts';
import { patiently, pause } from './patience.ts';
import { oneLine, printable } from './text.ts';

const pollMs = 1_000;
const serverMayBeAwayMs = 60_000;
/** More than this many new executions in a second are not all shown; a note says so. */
const pageLimit = 100;

/** Prints lines as they come. With an id until that execution has ended, else until Ctrl-C. */
export async function followLogs(invocation: Invocation, id: string | undefined, options: LogsOptions): Promise<void> {
  const api = invocation.api();
  try {
    await (id === undefined ? followAll(invocation, api, options) : followOne(invocation, api, id));
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!invocation.environment.signal.aborted) throw error;
  }
}

async function followOne(invocation: Invocation, api: ApiClient, id: string): Promise<void> {
  const printer = new ExecutionPrinter(invocation);
  for (;;) {
    const execution = await asking(invocation, () => api.execution(id));
    await printer.print(api, execution);
    if (isFinal(execution.status)) return;
    await pause(pollMs, invocation.environment.signal);
  }
}

async function followAll(invocation: Invocation, api: ApiClient, options: LogsOptions): Promise<void> {
  const followed = new Map<string, ExecutionPrinter>();
  const ended = new Set<string>();
  for (let first = true; ; first = false) {
    const { items } = await asking(invocation, () => api.executions({ limit: pageLimit, handler: options.handler }));
    // What ended before is not shown, but for the newest few.
    if (first) for (const { id, status } of items.slice(options.limit)) if (isFinal(status)) ended.add(id);
    if (!first && items.length === pageLimit && items.every(({ id }) => !followed.has(id) && !ended.has(id))) {
      invocation.output.note('More executions begin than can be followed; choose one handler with --handler.');
    }
    const listed = new Set(items.map(({ id }) => id));
    const older = [...followed.keys()].filter((id) => !listed.has(id));
    const olderExecutions = await asking(invocation, () => Promise.all(older.map((id) => api.execution(id))));
    for (const execution of [...olderExecutions, ...items.toReversed()]) {
      if (ended.has(execution.id)) continue;
      const printer = followed.get(execution.id) ?? new ExecutionPrinter(invocation);
      followed.set(execution.id, printer);
      await printer.print(api, execution);
      if (!isFinal(execution.status)) continue;
      followed.delete(execution.id);
      ended.add(execution.id);
    }
    await pause(pollMs, invocation.environment.signal);
  }
}

function asking<T>({ environment, output }: Invocation, ask: () => Promise<T>): Promise<T> {
  const onAway = () => {
    output.note('The server is away; waiting for it.');
  };
  return patiently(ask, { untilMs: Date.now() + serverMayBeAwayMs, signal: environment.signal, onAway });
}

/** The lines of one execution, attempt after attempt. */
class ExecutionPrinter {
  readonly #invocation: Invocation;
  #attempt = 0;
  #streams = { stdout: new LogFollower(), stderr: new LogFollower() };

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  async print(api: ApiClient, execution: Execution): Promise<void> {
    if (execution.status === 'waiting' && execution.attempts === 0) return;
    const logs = await asking(this.#invocation, () => api.logs(execution.id));
    for (let attempt = Math.max(this.#attempt, 1); attempt < logs.attempt; attempt += 1) {
      const earlier = await asking(this.#invocation, () => api.logs(execution.id, attempt));
      this.#add(execution, earlier, true);
    }
    this.#add(execution, logs, isFinal(execution.status));
    if (isFinal(execution.status)) this.#line(execution, 'status', statusText(this.#invocation.output, execution));
  }

  #add(execution: Execution, logs: ExecutionLogs, ended: boolean): void {
    if (logs.attempt !== this.#attempt) {
      this.#attempt = logs.attempt;
      this.#streams = { stdout: new LogFollower(), stderr: new LogFollower() };
      if (logs.attempt > 1) this.#line(execution, 'status', `attempt ${logs.attempt}`);
    }
    for (const stream of ['stdout', 'stderr'] as const) {
      const follower = this.#streams[stream];
      const lines = [...follower.add(logs[stream]), ...(ended ? follower.end() : [])];
      for (const line of lines) this.#line(execution, stream, line);
    }
  }

  #line(
    { id, handlerName, handlerVersion, status, reason }: Execution,
    kind: 'stdout' | 'stderr' | 'status',
    text: string,
  ): void {
    const { output } = this.#invocation;
    if (output.json) {
      const content = kind === 'status' ? { status, reason } : { text };
      output.jsonLine({
        executionId: id,
        handler: handlerName,
        version: handlerVersion,
        attempt: this.#attempt,
        kind,
        ...content,
      });
      return;
    }
    const label = { stdout: 'out |', stderr: 'err |', status: '--- |' }[kind];
    output.line(`${output.style('bold', oneLine(handlerName))} ${output.style('dim', label)} ${printable(text)}`);
  }
}
