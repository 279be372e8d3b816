const controlCharacters =
  // eslint-disable-next-line no-control-regex -- finding control characters is this expression's purpose
  /\x1b\[[\d;]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Text of handlers and customers made safe for a terminal: line ends, tabs and colours pass, everything that could move
 * the cursor, set the title or write to the clipboard is shown as a sign.
 */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(controlCharacters, (found) => {
    if (found.length > 1) return found;
    const code = found.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code) : '\ufffd';
  });
}

/** On one line and without colours, at most `limit` characters: for a table's cells. */
export function oneLine(text: string, limit = 200): string {
  const flat = printable(text.replaceAll(/\s+/g, ' ')).replaceAll('\x1b', '');
  const characters = Array.from(flat);
  return characters.length <= limit ? flat : `${characters.slice(0, limit - 1).join('')}…`;
}

export function indented(text: string, indent = '  '): string {
  return text.replace(/\n$/, '').replaceAll(/^/gm, indent);
}

export function formatDuration(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `2026-03-01 12:00:00Z`: UTC, as in handlers. */
export function formatTime(iso: string | null): string {
  if (iso === null) return '–';
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return oneLine(iso, 40);
  return time
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
