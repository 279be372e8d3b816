import { LineCounter, isNode, parseDocument } from 'yaml';
import type { Document } from 'yaml';

export type PathKey = string | number;

/** Line (from 1) of the deepest part of `path` that the document has; undefined for an empty document. */
export function lineOf(document: Document, lines: LineCounter, path: readonly PathKey[]): number | undefined {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    const start = isNode(node) ? node.range?.[0] : undefined;
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

/** The same for JSON text (JSON is YAML too), where parsing it again is cheap enough: at most 1 MB. */
export function lineOfJsonPath(text: string, path: readonly PathKey[]): number | undefined {
  if (text.length > 1_000_000) return undefined;
  const lines = new LineCounter();
  return lineOf(parseDocument(text, { lineCounter: lines }), lines, path);
}

/** `line 3, column 7` of what JSON.parse complained about, with its own words. */
export function describeJsonError(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /\bposition (\d+)/.exec(message)?.[1];
  const offset = position === undefined ? endOf(text, message) : Number(position);
  const words = message.replace(/ ?(in JSON )?at position \d+.*$/s, '').replace(/, (\.\.\.)?".*$/s, '');
  if (offset === undefined) return words;
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${words}`;
}

/** Where JSON.parse names no position: the end, or the place of the excerpt that it quotes. */
function endOf(text: string, message: string): number | undefined {
  if (message.includes('end of JSON input')) return text.trimEnd().length;
  const excerpt = /^Unexpected token '(.+?)', (?:\.\.\.)?"(.*?)"(?:\.\.\.)? is not valid JSON$/s.exec(message);
  if (excerpt === null) return undefined;
  const [, token = '', quoted = ''] = excerpt;
  const start = text.indexOf(quoted);
  return start < 0 ? undefined : Math.max(text.indexOf(token, start), start);
}
