import { expect, it } from 'vitest';
import { retryAfterMsOf } from '../../src/domain/retry-after.ts';

const now = Date.parse('2026-01-05T10:00:00Z');

it.each<[Record<string, string>, number | undefined]>([
  [{}, undefined],
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '1.5' }, 1_500],
  [{ 'retry-after': '-1' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': 'Mon, 05 Jan 2026 10:00:30 GMT' }, 30_000],
  [{ 'retry-after': 'Mon, 05 Jan 2026 09:00:00 GMT' }, 0],
  [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
  [{ 'retry-after-ms': 'x', 'retry-after': '7' }, 7_000],
])('%j is %s ms', (headers, expected) => {
  expect(retryAfterMsOf(new Headers(headers), now)).toBe(expected);
});
