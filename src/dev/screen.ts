import { createOutput } from '../cli/output.ts';
import type { Output } from '../cli/output.ts';
import { reportOf, reportText } from '../cli/report-error.ts';
import { indented, printable } from '../cli/text.ts';

/** What a person at the terminal sees; the log is elsewhere. */
export interface Screen {
  readonly output: Output;
  /** Seconds since the program started. */
  elapsed(): string;
  /** A line of progress with the time since the program started. */
  step(text: string): void;
  /** Something to mend that does not stop the system. */
  warn(text: string): void;
  /** An error with its code and what to do, on stderr. */
  fail(error: unknown): void;
}

export function createScreen(streams: {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  /** Milliseconds since the program started. */
  sinceStartMs: () => number;
}): Screen {
  const output = createOutput({ ...streams, json: false });
  const elapsed = () => `${(streams.sinceStartMs() / 1_000).toFixed(1)} s`;
  return {
    output,
    elapsed,
    step(text) {
      output.line(`${output.style('dim', elapsed().padStart(8))}  ${text}`);
    },
    warn(text) {
      output.line(output.style('yellow', indented(printable(text), ' !  ')));
    },
    fail(error) {
      streams.stderr.write(reportText({ ...reportOf(error), ...internalMend(error) }));
    },
  };
}

/** The command line blames itself for what it does not know; here the log says more. */
function internalMend(error: unknown): { mend?: string } {
  return reportOf(error).code === 'internal' ? { mend: 'See afterword.log in the state folder.' } : {};
}
