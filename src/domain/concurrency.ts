/**
 * Results in the order of the items; at most `concurrency` under way at once, one where it is no number from 1 up. The
 * first rejection rejects all.
 */
export async function eachWithConcurrency<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const queue = items.entries();
  async function lane(): Promise<void> {
    for (const [index, item] of queue) results[index] = await work(item);
  }
  const lanes = concurrency >= 1 ? Math.min(concurrency, items.length) : 1;
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
