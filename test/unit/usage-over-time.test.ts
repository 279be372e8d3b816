import { expect, it } from 'vitest';
import { seededRandom } from '../setup/seeded-random.ts';
import { UsageOverTime } from '../setup/usage-over-time.ts';

const usage = (memoryBytes: number, descriptors: number, processes: number) => ({
  memoryBytes,
  descriptors,
  processes,
});

function after(...samples: readonly ReturnType<typeof usage>[]): UsageOverTime {
  const overTime = new UsageOverTime();
  for (const sample of samples) overTime.add('worker', sample);
  return overTime;
}

const [warmingUp, second, third] = [usage(500, 90, 40), usage(100, 20, 4), usage(300, 60, 20)];

it('the last quarter may have 15 % more memory than the second, and 5 more descriptors and processes', () => {
  expect(after(warmingUp, second, third, usage(115, 25, 9)).grown()).toEqual([]);
});

it('what has grown by more is named', () => {
  expect(after(warmingUp, second, third, usage(116, 26, 10)).grown()).toEqual([
    'worker memoryBytes: 100 grew to 116',
    'worker descriptors: 20 grew to 26',
    'worker processes: 4 grew to 10',
  ]);
});

it('one sample among many that is far off changes nothing', () => {
  const quarter = [second, second, usage(900, 200, 80), second];
  const overTime = after(...quarter, ...quarter, ...quarter, ...quarter);
  expect(overTime.grown()).toEqual([]);
  expect(overTime.table()[0]).toBe('worker memoryBytes: 100 100 100 100');
});

it('chance is the same for the same seed and another one for another', () => {
  const drawn = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(8)).not.toEqual(drawn(7));
  for (const number of drawn(7)) expect(number >= 0 && number < 1).toBe(true);
});
