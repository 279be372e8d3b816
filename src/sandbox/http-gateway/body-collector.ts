import { limits } from '../../domain/limits.ts';

/** A body that comes in pieces, in one buffer: kept by themselves five million pieces of a byte would take a gigabyte. */
export class BodyCollector {
  #bytes = Buffer.alloc(0);
  #length = 0;
  #pieces = 0;

  /** Why no more is taken; undefined while it is. */
  add(piece: Buffer): string | undefined {
    const length = this.#length + piece.length;
    this.#pieces += 1;
    if (length > limits.httpResponseBytes) {
      return `the response is larger than ${String(limits.httpResponseBytes / (1 << 20))} MB`;
    }
    if (this.#pieces > limits.httpResponsePieces) {
      return `the response comes in more than ${String(limits.httpResponsePieces)} pieces`;
    }
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * length, limits.httpResponseBytes));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = length;
    return undefined;
  }

  whole(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
