import { describe, expect, it } from 'vitest';
import { LogBuffer, type LogPiece } from '../../src/domain/log-buffer.ts';
import { limits } from '../../src/domain/limits.ts';

/** What a store holds that appends head pieces and overwrites the tail. */
class Kept {
  head = '';
  tail = '';
  missingBytes = 0;
  #nextSeq = 0;

  store(pieces: readonly LogPiece[]): void {
    for (const piece of pieces) {
      if (piece.seq === -1) {
        this.tail = piece.text;
        this.missingBytes = piece.missingBytes;
      } else {
        expect(piece).toMatchObject({ seq: this.#nextSeq, missingBytes: 0 });
        this.#nextSeq += 1;
        this.head += piece.text;
      }
    }
  }
}

/** The rule, written the slow way: whole characters, the first half of the bytes and the last half of what follows. */
function expected(text: string, keptBytes: number): { head: string; tail: string; missingBytes: number } {
  const half = Math.floor(keptBytes / 2);
  const characters = [...text];
  const take = (from: readonly string[]) => {
    let bytes = 0;
    const end = from.findIndex((character) => (bytes += Buffer.byteLength(character)) > half);
    return end === -1 ? from.length : end;
  };
  const headEnd = take(characters);
  const rest = characters.slice(headEnd);
  const tailLength = take(rest.toReversed());
  const missing = rest.slice(0, rest.length - tailLength).join('');
  return {
    head: characters.slice(0, headEnd).join(''),
    tail: rest.slice(rest.length - tailLength).join(''),
    missingBytes: Buffer.byteLength(missing),
  };
}

function print(texts: readonly string[], keptBytes: number): Kept {
  const buffer = new LogBuffer(keptBytes);
  const kept = new Kept();
  for (const text of texts) buffer.add(text);
  kept.store(buffer.take());
  return kept;
}

describe('what is kept of the output', () => {
  it('is everything up to the limit, exactly', () => {
    expect(print(['12345', '67890'], 10)).toMatchObject({ head: '12345', tail: '67890', missingBytes: 0 });
    expect(print(['1234567890'], 10)).toMatchObject({ head: '12345', tail: '67890', missingBytes: 0 });
  });

  it('is the first and the last half beyond it, with the count of what is missing', () => {
    expect(print(['1234567890A'], 10)).toMatchObject({ head: '12345', tail: '7890A', missingBytes: 1 });
  });

  it('is 64 KB a stream unless said otherwise', () => {
    const buffer = new LogBuffer();
    const kept = new Kept();
    buffer.add('a'.repeat(limits.logKeptBytes + 7));
    kept.store(buffer.take());
    expect([kept.head.length, kept.tail.length, kept.missingBytes]).toEqual([32 * 1024, 32 * 1024, 7]);
  });

  it.each([
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('never cuts through %s (%i bytes)', (character, bytes) => {
    for (let keptBytes = 2; keptBytes <= 4 * bytes + 1; keptBytes += 1) {
      const text = `a${character.repeat(9)}b`;
      expect(print([text], keptBytes)).toMatchObject(expected(text, keptBytes));
      expect(print([...text], keptBytes)).toMatchObject(expected(text, keptBytes));
    }
  });
});

describe('taking what is new', () => {
  it('gives the head in numbered pieces, each once, and nothing while nothing is printed', () => {
    const buffer = new LogBuffer(100);
    expect([buffer.hasNews, buffer.take()]).toEqual([false, []]);
    buffer.add('one ');
    buffer.add('two ');
    expect(buffer.hasNews).toBe(true);
    expect(buffer.take()).toEqual([{ seq: 0, text: 'one two ', missingBytes: 0 }]);
    expect([buffer.hasNews, buffer.take()]).toEqual([false, []]);
    buffer.add('three');
    expect(buffer.take()).toEqual([{ seq: 1, text: 'three', missingBytes: 0 }]);
  });

  it('gives the tail anew each time it has changed', () => {
    const buffer = new LogBuffer(8);
    buffer.add('headtail');
    expect(buffer.take()).toEqual([
      { seq: 0, text: 'head', missingBytes: 0 },
      { seq: -1, text: 'tail', missingBytes: 0 },
    ]);
    buffer.add('!');
    expect(buffer.take()).toEqual([{ seq: -1, text: 'ail!', missingBytes: 1 }]);
    expect(buffer.take()).toEqual([]);
    expect(buffer.totalBytes).toBe(9);
  });

  it('keeps the same whatever the pieces printed and whenever the news are taken', () => {
    const random = randomFrom(20260105);
    const alphabet = ['a', 'b', '\n', 'é', '€', '字', '😀'];
    for (let round = 0; round < 400; round += 1) {
      const keptBytes = 2 + random(40);
      const buffer = new LogBuffer(keptBytes);
      const kept = new Kept();
      let text = '';
      for (let prints = random(30); prints > 0; prints -= 1) {
        const piece = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)] ?? '').join('');
        text += piece;
        buffer.add(piece);
        if (random(3) === 0) {
          kept.store(buffer.take());
          expect(kept).toMatchObject(expected(text, keptBytes));
        }
      }
      kept.store(buffer.take());
      const context = JSON.stringify({ round, keptBytes, text });
      expect(kept, context).toMatchObject(expected(text, keptBytes));
      expect(buffer.totalBytes, context).toBe(Buffer.byteLength(text));
    }
  });
});

/** A small generator with a seed, so that a failure can be seen again. Answers 0 up to below `bound`. */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
