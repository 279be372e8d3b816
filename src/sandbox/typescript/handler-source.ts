import { parse, type Program } from 'acorn';
import { transformSync } from '@swc/wasm-typescript';
import { z } from 'zod';

/** A place in the handler's own text, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What keeps a text from being a handler; `place` is null where it is about the file as a whole. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
  readonly place: Place | null;

  constructor(message: string, place: Place | null) {
    super(message);
    this.place = place;
  }
}

export interface HandlerSource {
  /** JavaScript: the text without its types, every character in its old place. */
  readonly script: string;
  readonly program: Program;
}

const StripError = z.object({
  code: z.enum(['InvalidSyntax', 'UnsupportedSyntax']),
  message: z.string(),
  startLine: z.int(),
  startColumn: z.int(),
});
const ParseError = z.object({ message: z.string(), loc: z.object({ line: z.int(), column: z.int() }) });

/** What is more than a type, and what to write instead. */
const unsupported: readonly (readonly [RegExp, string])[] = [
  [/enum/, "an enum: write a const object, such as const Status = { Open: 'open' } as const"],
  [/namespace|module/, 'a namespace: write functions and consts at the top level'],
  [/parameter property/, 'a parameter property: declare the field in the class and assign it in the constructor'],
  [/import|export/, 'an assignment to import or export: handlers are one file'],
];

/**
 * Throws SourceFault for a fault in the text. Anything else that is thrown says that the text is too large or nested too
 * deeply, and that the stripper in this thread may be broken.
 */
export function readHandlerSource(code: string): HandlerSource {
  const script = stripped(code.replace(/^\ufeff/, ' '));
  try {
    return { script, program: parse(script, { ecmaVersion: 'latest', sourceType: 'module', locations: true }) };
  } catch (error) {
    const known = ParseError.safeParse(error);
    if (!known.success) throw error;
    const { line, column } = known.data.loc;
    throw new SourceFault(known.data.message.replace(/ \(\d+:\d+\)$/, ''), { line, column: column + 1 });
  }
}

function stripped(code: string): string {
  try {
    return transformSync(code, { mode: 'strip-only', module: true, deprecatedTsModuleAsError: true }).code;
  } catch (error) {
    const known = StripError.safeParse(error);
    if (!known.success) throw error;
    const { message, startLine, startColumn } = known.data;
    const instead = unsupported.find(([pattern]) => pattern.test(message))?.[1];
    const text =
      known.data.code === 'InvalidSyntax' || instead === undefined
        ? message
        : `types are erased before a handler runs, and this is more than a type, ${instead}`;
    throw new SourceFault(text, { line: startLine, column: startColumn + 1 });
  }
}
