import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { ExecutionStatus } from '../domain/status.ts';

type Format = Parameters<typeof styleText>[0];

export interface Output {
  readonly json: boolean;
  /** The command's one result: the value as JSON with --json, else the text for people. */
  result(value: unknown, text: () => string): void;
  /** One JSON value on one line, for output that goes on (`logs -f --json`). */
  jsonLine(value: unknown): void;
  /** A line for people on stdout; nothing with --json. */
  line(text?: string): void;
  /** A line for people on stderr, about the work itself; nothing with --json. */
  note(text: string): void;
  /** Coloured where stdout is a terminal and NO_COLOR is not set. */
  style(format: Format, text: string): string;
  table(headings: readonly string[], rows: readonly (readonly string[])[]): string;
}

export function createOutput(streams: {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  json: boolean;
}): Output {
  const { stdout, stderr, json } = streams;
  const write = (text: string) => void stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  const style = (format: Format, text: string) => styleText(format, text, { stream: stdout });
  return {
    json,
    style,
    result(value, text) {
      const shown = json ? JSON.stringify(value, null, 2) : text();
      if (shown !== '') write(shown);
    },
    jsonLine: (value) => {
      write(JSON.stringify(value));
    },
    line(text = '') {
      if (!json) write(text);
    },
    note(text) {
      if (!json) stderr.write(`${styleText('dim', text, { stream: stderr })}\n`);
    },
    table(headings, rows) {
      const table = new Table({
        head: headings.map((heading) => style('bold', heading)),
        chars: borderless,
        style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
      });
      table.push(...rows.map((row) => [...row]));
      return table.toString().replaceAll(/ +$/gm, '');
    },
  };
}

const sides = ['top', 'bottom', 'left', 'right', 'mid', 'middle'];
const borderless = Object.fromEntries(
  sides.flatMap((side) => ['', '-mid', '-left', '-right'].map((part) => [`${side}${part}`, ''])),
);

const statusFormats: Record<ExecutionStatus, Format> = {
  waiting: 'dim',
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  timed_out: 'red',
  cancelled: 'yellow',
};

export function statusText(output: Output, execution: { status: ExecutionStatus; reason: string | null }): string {
  const { status, reason } = execution;
  return output.style(statusFormats[status], reason === null ? status : `${status} (${reason})`);
}
