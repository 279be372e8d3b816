import { describe, expect, it } from 'vitest';
import { HandlerShares } from '../../src/activities/handler-shares.ts';
import { handlerPlaces, mayHaveOneMore } from '../../src/domain/handler-shares.ts';

const never = new AbortController().signal;
const atOnce = AbortSignal.abort();

/** How many places these organisations get, each taking all it may in its turn. */
async function taken(handlerSlots: number, organizations: readonly string[]): Promise<number[]> {
  const shares = new HandlerShares(handlerPlaces(handlerSlots));
  const counts: number[] = [];
  for (const organization of organizations) {
    let count = 0;
    while ((await shares.take(organization, atOnce)) !== undefined) count += 1;
    counts.push(count);
  }
  return counts;
}

describe('the places of a worker', () => {
  it('are all of handlerSlots for an organisation that is alone', async () => {
    for (const slots of [1, 2, 3, 7, 8, 32, 100, 1_000]) expect(await taken(slots, ['one'])).toEqual([slots]);
  });

  it('leave one for each newcomer as long as the reserve lasts, and more where there is more', async () => {
    expect(await taken(1, ['a', 'b', 'c'])).toEqual([1, 1, 0]);
    expect(await taken(8, ['a', 'b', 'c', 'd'])).toEqual([8, 2, 1, 0]);
    expect(await taken(32, ['a', 'b', 'c', 'd'])).toEqual([32, 8, 2, 1]);
  });

  it('are about the same for two that take turns', () => {
    const places = handlerPlaces(8);
    const held = { a: 0, b: 0 };
    for (let turn = 0; turn < 40; turn += 1) {
      const who = turn % 2 === 0 ? 'a' : 'b';
      if (mayHaveOneMore(places, held[who], held.a + held.b)) held[who] += 1;
    }
    expect(held).toEqual({ a: 5, b: 4 });
  });
});

describe('a handler that waits for a place', () => {
  it('gets the one that comes free, in the order they came, unless its organisation has its share', async () => {
    const shares = new HandlerShares({ forOne: 2, reserve: 1, waiting: 2 });
    const first = await shares.take('a', never);
    await shares.take('a', never);
    const got: string[] = [];
    const waits = (name: string, organization: string) =>
      shares.take(organization, never).then((release) => {
        got.push(name);
        return release;
      });
    const third = waits('third of a', 'a');
    const ofB = waits('first of b', 'b');
    await ofB;
    expect(got).toEqual(['first of b']);
    first?.();
    await Promise.resolve();
    expect(got).toEqual(['first of b']); // one is left, and a has another
    (await ofB)?.();
    await third;
    expect(got).toEqual(['first of b', 'third of a']);
  });

  it('gives up when its patience ends, and takes no place then', async () => {
    const shares = new HandlerShares({ forOne: 1, reserve: 1, waiting: 2 });
    const first = await shares.take('a', never);
    const patience = new AbortController();
    const second = shares.take('a', patience.signal);
    patience.abort();
    expect(await second).toBeUndefined();
    first?.();
    expect(await shares.take('a', atOnce)).toBeTypeOf('function');
  });
});
