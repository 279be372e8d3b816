import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ToldTogether } from '../../src/activities/told-together.ts';

const waitMs = 100;
let together: ToldTogether;
let told: string[];

beforeEach(() => {
  vi.useFakeTimers();
  together = new ToldTogether(5, waitMs);
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** Begins one; it ends when the answered function is called. */
function begin(workflowId: string, name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const note = () => void told.push(name);
  together.run(workflowId, () => promise).then(note, note);
  const settled = () => vi.advanceTimersByTimeAsync(0);
  return {
    succeed: () => (resolve(name), settled()),
    fail: () => (reject(new Error(name)), settled()),
  };
}

test('the only handler of an event is told at once', async () => {
  const one = begin('a', 'one');
  const other = begin('b', 'other');
  await one.succeed();
  expect(told).toEqual(['one']);
  await other.fail();
  expect(told).toEqual(['one', 'other']);
  expect(vi.getTimerCount()).toBe(0);
});

test('those that end before the last one are told with it, however they end', async () => {
  const [one, two, three] = [begin('a', 'one'), begin('a', 'two'), begin('a', 'three')];
  await one.succeed();
  await two.fail();
  expect(told).toEqual([]);
  await three.succeed();
  expect(told.toSorted()).toEqual(['one', 'three', 'two']);
  expect(vi.getTimerCount()).toBe(0);
});

test('nobody waits longer for a slow neighbour than it may', async () => {
  const [one, two, slow] = [begin('a', 'one'), begin('a', 'two'), begin('a', 'slow')];
  await one.succeed();
  await vi.advanceTimersByTimeAsync(waitMs - 1);
  await two.succeed();
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual(['one', 'two']);
  await slow.succeed();
  expect(told).toEqual(['one', 'two', 'slow']);
});

test('where all slots are taken nobody waits, nor goes on waiting', async () => {
  const [one, , three] = [begin('a', 'one'), begin('a', 'two'), begin('b', 'three'), begin('b', 'four')];
  await one.succeed();
  expect(told).toEqual([]);
  begin('c', 'five');
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual(['one']);
  begin('c', 'six');
  await three.succeed();
  expect(told).toEqual(['one', 'three']);
});

test('an event that is run again later begins anew', async () => {
  await begin('a', 'one').succeed();
  const [again, other] = [begin('a', 'again'), begin('a', 'other')];
  await again.succeed();
  expect(told).toEqual(['one']);
  await other.succeed();
  expect(told.toSorted()).toEqual(['again', 'one', 'other']);
});
