import { expect, test } from 'vitest';
import { fuzzConversations, fuzzSeed, mostGrowth } from '../sandbox/fuzz/fuzz.ts';

test('the host keeps its rules over 100,000 hostile lines of a child', { timeout: 20 * 60_000 }, () => {
  expect(fuzzConversations(100_000, fuzzSeed())).toBeLessThan(mostGrowth);
});
