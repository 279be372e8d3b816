/** The cut that the server puts into a log that is longer than what is kept. */
const cutMark = /\n… .*left out.* …\n/;
const overlapCharacters = 200;

/** What `current` has that `previous` had not: a log grows at its end, and loses its middle once it is long. */
export function newPart(previous: string, current: string): string {
  if (current.startsWith(previous)) return current.slice(previous.length);
  const seen = previous.slice(-overlapCharacters);
  const at = current.lastIndexOf(seen);
  if (seen !== '' && at >= 0) return current.slice(at + seen.length);
  const cut = cutMark.exec(current);
  return cut === null ? current : current.slice(cut.index + 1);
}

/** Turns a log that is asked for again and again into whole lines, each given once. */
export class LogFollower {
  #seen = '';
  #partial = '';

  /** Whole lines that are new in `log`, which is all of it so far. */
  add(log: string): string[] {
    const lines = `${this.#partial}${newPart(this.#seen, log)}`.split('\n');
    this.#seen = log;
    this.#partial = lines.pop() ?? '';
    return lines;
  }

  /** The last line where it has no end. */
  end(): string[] {
    const rest = this.#partial;
    this.#partial = '';
    return rest === '' ? [] : [rest];
  }
}
