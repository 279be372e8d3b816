import { describe, expect, it } from 'vitest';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';

/** Work that ends when it is told to, and knows how much of it was under way at once. */
function controlledWork() {
  const ends: (() => void)[] = [];
  const started: number[] = [];
  let running = 0;
  let most = 0;
  return {
    started,
    most: () => most,
    endOldest: () => ends.shift()?.(),
    work: async (item: number) => {
      started.push(item);
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
      return item * 10;
    },
  };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('work with bounded concurrency', () => {
  it('answers in the order of the items, whatever the order of the ends', async () => {
    const results = await eachWithConcurrency([30, 10, 20], 3, async (ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return `${String(ms)} ms`;
    });
    expect(results).toEqual(['30 ms', '10 ms', '20 ms']);
  });

  it('has at most that much under way, and begins the next as soon as one has ended', async () => {
    const { work, started, most, endOldest } = controlledWork();
    const all = eachWithConcurrency([1, 2, 3, 4, 5], 2, work);
    await nextTurn();
    expect(started).toEqual([1, 2]);
    for (let ended = 1; ended <= 5; ended += 1) {
      endOldest();
      await nextTurn();
      expect(started.length).toBe(Math.min(5, 2 + ended));
    }
    expect(await all).toEqual([10, 20, 30, 40, 50]);
    expect(most()).toBe(2);
  });

  it.each([1, 3, 50])('does everything once with concurrency %i', async (concurrency) => {
    const seen: number[] = [];
    const items = Array.from({ length: 20 }, (_, index) => index);
    const results = await eachWithConcurrency(items, concurrency, (item) => {
      seen.push(item);
      return Promise.resolve(item);
    });
    expect(results).toEqual(items);
    expect(seen.toSorted((a, b) => a - b)).toEqual(items);
  });

  it.each([0, -1, Number.NaN, 0.5])(
    'never skips work silently, also where the concurrency makes no sense: %d',
    async (concurrency) => {
      expect(await eachWithConcurrency([1, 2], concurrency, (item) => Promise.resolve(item))).toEqual([1, 2]);
    },
  );

  it('does nothing with nothing', async () => {
    expect(await eachWithConcurrency([], 50, () => Promise.reject(new Error('not reached')))).toEqual([]);
  });

  it('rejects with the first rejection', async () => {
    const work = (item: number) => (item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item));
    await expect(eachWithConcurrency([1, 2, 3], 2, work)).rejects.toThrow('two');
  });
});
