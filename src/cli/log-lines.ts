/** What the server writes between the first and the last part of a log that is longer than what is kept. */
const gapMark = /\n… (\d+) bytes left out …\n/;

/**
 * Turns a log that is asked for again and again into whole lines, each given once. A log grows at its end; once it is
 * long its middle goes, so what is new is found by counting bytes.
 */
export class LogFollower {
  #seenBytes = 0;
  #partial = '';

  /** Whole lines that are new in `log`, which is all of it so far. */
  add(log: string): string[] {
    const lines = `${this.#partial}${this.#newPart(log)}`.split('\n');
    this.#partial = lines.pop() ?? '';
    return lines;
  }

  /** The last line where it has no end. */
  end(): string[] {
    const rest = this.#partial;
    this.#partial = '';
    return rest === '' ? [] : [rest];
  }

  #newPart(log: string): string {
    const gap = gapMark.exec(log);
    const missing = gap === null ? 0 : Number(gap[1]);
    const head = Buffer.from(gap === null ? log : log.slice(0, gap.index));
    const tail = Buffer.from(gap === null ? '' : log.slice(gap.index + gap[0].length));
    const seen = this.#seenBytes;
    this.#seenBytes = Math.max(head.length + missing + tail.length, seen);

    const fromHead = head.subarray(seen).toString();
    const tailStart = head.length + missing;
    if (gap === null || seen > tailStart) return fromHead + tail.subarray(Math.max(seen - tailStart, 0)).toString();
    const unseen = tailStart - Math.max(seen, head.length);
    return `${fromHead}${unseen > 0 ? `\n… ${unseen} bytes left out …\n` : ''}${tail.toString()}`;
  }
}
