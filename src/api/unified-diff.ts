import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

interface Side {
  /** How the text is called in the diff's head. */
  readonly name: string;
  readonly text: string;
}

/** Texts that have little in common take long to compare, and nobody reads what comes out. */
const longestMs = 500;

/** A unified diff with three lines of context; empty where the texts are the same. */
export function unifiedDiff(from: Side, to: Side): string {
  if (from.text === to.text) return '';
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY };
  const names = [from.name, to.name] as const;
  const diff = createTwoFilesPatch(...names, from.text, to.text, undefined, undefined, {
    ...options,
    timeout: longestMs,
  });
  if (diff !== undefined) return diff;
  const removed = linesOf(from.text).map((line) => `-${line}`);
  const added = linesOf(to.text).map((line) => `+${line}`);
  const place = `@@ -1,${String(removed.length)} +1,${String(added.length)} @@`;
  return [`--- ${from.name}`, `+++ ${to.name}`, place, ...removed, ...added, ''].join('\n');
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/u, '').split('\n');
}
