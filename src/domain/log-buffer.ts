import { limits } from './limits.ts';
import { firstBytes, lastBytes } from './utf8.ts';

export interface LogPiece {
  /** 0, 1, … for the head; -1 for the tail, which replaces the tail before it. */
  readonly seq: number;
  readonly text: string;
  readonly missingBytes: number;
}

/**
 * Keeps the first and the last half of what one stream printed. What is new of the head comes out in pieces, the tail
 * as one piece that replaces the one before: so the store has it all at any moment at a bounded cost.
 */
export class LogBuffer {
  readonly #halfBytes: number;
  #seq = 0;
  #headBytes = 0;
  #headFull = false;
  #fresh = '';
  #tail: string[] = [];
  #tailBytes = 0;
  #totalBytes = 0;
  #tailChanged = false;

  constructor(keptBytes: number = limits.logKeptBytes) {
    this.#halfBytes = Math.floor(keptBytes / 2);
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  get hasNews(): boolean {
    return this.#fresh !== '' || this.#tailChanged;
  }

  add(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#totalBytes += bytes;
    if (!this.#headFull && this.#headBytes + bytes <= this.#halfBytes) {
      this.#fresh += text;
      this.#headBytes += bytes;
      return;
    }
    let rest = text;
    if (!this.#headFull) {
      const start = firstBytes(text, this.#halfBytes - this.#headBytes);
      this.#fresh += start;
      this.#headBytes += Buffer.byteLength(start);
      this.#headFull = true;
      rest = text.slice(start.length);
    }
    this.#tail.push(rest);
    this.#tailBytes += Buffer.byteLength(rest);
    this.#tailChanged = true;
    // Joined only now and then: a handler that prints in a loop must not cost a copy of the tail each time.
    if (this.#tailBytes > 4 * this.#halfBytes) this.#trim();
  }

  /** What the store does not have yet. */
  take(): LogPiece[] {
    const pieces: LogPiece[] = [];
    if (this.#fresh !== '') {
      pieces.push({ seq: this.#seq, text: this.#fresh, missingBytes: 0 });
      this.#seq += 1;
      this.#fresh = '';
    }
    if (this.#tailChanged) {
      const text = this.#trim();
      pieces.push({ seq: -1, text, missingBytes: this.#totalBytes - this.#headBytes - this.#tailBytes });
      this.#tailChanged = false;
    }
    return pieces;
  }

  #trim(): string {
    const text = lastBytes(this.#tail.join(''), this.#halfBytes);
    this.#tail = [text];
    this.#tailBytes = Buffer.byteLength(text);
    return text;
  }
}
