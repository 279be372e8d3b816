import { expect, test } from 'vitest';
import { TokenBuckets } from '../../src/api/token-buckets.ts';

const rate = { perSecond: 10, burst: 3 };

test('a bucket gives its burst, then as fast as it fills', () => {
  let now = 0;
  const buckets = new TokenBuckets(() => now);
  const take = () => buckets.take('a', rate).allowed;
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  expect(buckets.look('a', rate)).toMatchObject({ remaining: 0, waitMs: 100, fullMs: 300 });
  now = 99;
  expect(take()).toBe(false);
  now = 100;
  expect([take(), take()]).toEqual([true, false]);
  now = 100_000;
  expect(buckets.look('a', rate)).toMatchObject({ remaining: 3, waitMs: 0, fullMs: 0 });
  expect(buckets.take('b', rate)).toMatchObject({ allowed: true, remaining: 2 });
});

test('as many are kept as there is room for: the longest unused begins full again', () => {
  const buckets = new TokenBuckets(() => 0);
  const once = { perSecond: 1, burst: 1 };
  for (const name of ['first', 'second']) buckets.take(name, once);
  for (let n = 0; n < 9_999; n += 1) buckets.take(String(n), once);
  expect(buckets.look('first', once).remaining).toBe(1);
  expect(buckets.look('second', once).remaining).toBe(0);
});
