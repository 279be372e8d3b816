import { type ExecutionStatus, executionStatuses } from './status.ts';

/** How far somebody has followed an execution: everything before it was sent, nothing after. */
export interface LogPosition {
  /** 0 before the first. */
  readonly attempt: number;
  /** Bytes of the attempt's streams, those that are not kept included. */
  readonly stdout: number;
  readonly stderr: number;
  /** The last that was sent; null: none yet. */
  readonly status: ExecutionStatus | null;
  /** Of the calls in the order they were made: whether each was sent with its answer. */
  readonly calls: readonly boolean[];
}

export const logStart: LogPosition = { attempt: 0, stdout: 0, stderr: 0, status: null, calls: [] };

/** One line of ASCII, such as `2.140.0.running.3a1o`: three calls with their answers and one without. */
export function writePosition({ attempt, stdout, stderr, status, calls }: LogPosition): string {
  const runs: string[] = [];
  for (let from = 0; from < calls.length;) {
    const end = calls.findIndex((answered, index) => index > from && answered !== calls[from]);
    const to = end === -1 ? calls.length : end;
    runs.push(`${String(to - from)}${calls[from] === true ? 'a' : 'o'}`);
    from = to;
  }
  return [attempt, stdout, stderr, status ?? '', runs.join('')].map(String).join('.');
}

/** More calls than an execution can make, over all its tries. */
const mostCalls = 10_000;
const pattern = /^(\d{1,6})\.(\d{1,12})\.(\d{1,12})\.([a-z_]*)\.((?:\d{1,4}[ao])*)$/;

/** Undefined for what `writePosition` has not written. */
export function readPosition(text: string): LogPosition | undefined {
  const [, attempt, stdout, stderr, statusText, runs] = pattern.exec(text) ?? [];
  if (runs === undefined) return undefined;
  const status = executionStatuses.find((one) => one === statusText);
  if (status === undefined && statusText !== '') return undefined;
  const counted = [...runs.matchAll(/(\d+)([ao])/g)].map(([, count, kind]) => ({ count: Number(count), kind }));
  if (counted.reduce((sum, { count }) => sum + count, 0) > mostCalls) return undefined;
  return {
    attempt: Number(attempt),
    stdout: Number(stdout),
    stderr: Number(stderr),
    status: status ?? null,
    calls: counted.flatMap(({ count, kind }) => Array.from({ length: count }, () => kind === 'a')),
  };
}
