/** The longest beginning of `text` that takes at most `bytes` bytes of UTF-8, no character cut in two. */
export function firstBytes(text: string, bytes: number): string {
  const buffer = Buffer.from(text);
  if (buffer.length <= bytes) return text;
  let end = Math.max(bytes, 0);
  while (end > 0 && isContinuation(buffer[end])) end -= 1;
  return buffer.toString('utf8', 0, end);
}

/** The longest end of `text` that takes at most `bytes` bytes of UTF-8, no character cut in two. */
export function lastBytes(text: string, bytes: number): string {
  const buffer = Buffer.from(text);
  if (buffer.length <= bytes) return text;
  let start = buffer.length - bytes;
  while (start < buffer.length && isContinuation(buffer[start])) start += 1;
  return buffer.toString('utf8', start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
