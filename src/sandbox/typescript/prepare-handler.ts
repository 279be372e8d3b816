import { entryPoint, exportsOf, refuseModules, topLevelNames, withoutExports } from './exports.ts';
import { readHandlerSource, SourceFault, type Place } from './handler-source.ts';
import { nodesOf } from './syntax-tree.ts';

export interface PreparedHandler {
  readonly outcome: 'ready';
  /** JavaScript text of a function that defines the handler and answers what it exports. */
  readonly script: string;
  /** Lines of `script` before the handler's first. */
  readonly linesBefore: number;
}

export interface FaultyHandler {
  readonly outcome: 'faulty';
  readonly reason: 'syntax_error' | 'no_entry_point';
  readonly type: string;
  readonly message: string;
  /** Where it is and what stands there; empty where it is about the file as a whole. */
  readonly traceback: string;
}

const howToWrite = `Write: export async function ${entryPoint}(context, helpers) { ... }`;
const mostShownColumns = 120;

/** From TypeScript to what Deno is given. Throws what `readHandlerSource` throws but SourceFault. */
export function prepareHandler(code: string): PreparedHandler | FaultyHandler {
  try {
    const { script, program } = readHandlerSource(code);
    refuseModules(nodesOf(program));
    const local = exportsOf(program).get(entryPoint);
    if (local === undefined) return withoutEntryPoint(topLevelNames(program).has(entryPoint));
    const body = withoutExports(script, program);
    return {
      outcome: 'ready',
      script: `(async () => { "use strict";\n${body}\nreturn { ${entryPoint}: ${local} };\n})`,
      linesBefore: 1,
    };
  } catch (error) {
    if (!(error instanceof SourceFault)) throw error;
    const where = error.place ? ` (line ${String(error.place.line)}, column ${String(error.place.column)})` : '';
    const traceback = error.place ? shown(code, error.place, error.message) : '';
    return {
      outcome: 'faulty',
      reason: 'syntax_error',
      type: 'SyntaxError',
      message: `${error.message}${where}`,
      traceback,
    };
  }
}

function withoutEntryPoint(isThere: boolean): FaultyHandler {
  const what = isThere
    ? `The handler does not export its function ${entryPoint}.`
    : `The handler exports no function named ${entryPoint}.`;
  const message = `${what} ${howToWrite}`;
  return { outcome: 'faulty', reason: 'no_entry_point', type: 'NoEntryPoint', message, traceback: '' };
}

/** As Python shows it: the place, the line, a mark under the column, the error. */
function shown(code: string, { line, column }: Place, message: string): string {
  const text = code.split(/\r\n|[\n\r\u2028\u2029]/)[line - 1] ?? '';
  const head = `handler.ts:${String(line)}:${String(column)}\n`;
  const lines = column > mostShownColumns ? '' : `  ${text.slice(0, mostShownColumns)}\n  ${' '.repeat(column - 1)}^\n`;
  return `${head}${lines}SyntaxError: ${message}\n`;
}
