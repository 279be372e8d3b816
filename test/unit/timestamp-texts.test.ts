import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timestampTextsAsRange } from '../../src/store/timeline-event-moments.ts';

const earliest = new Date('0001-01-01T00:00:00.000Z');
const latest = new Date('9999-12-31T23:59:59.999Z');
const moments = fc.date({ min: earliest, max: latest, noInvalidDate: true });
const search = (text: string) => timestampTextsAsRange({ pairs: [{ field: 'timestamp', text }] });

/** Of the range that a text became. */
function isIn(text: string, moment: Date): boolean {
  const { pairs, from = earliest, to = latest } = search(text);
  expect(pairs).toEqual([]);
  return moment >= from && moment <= to;
}

describe('a text that is looked for in timestamps', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2026-0', '2026-01-01T00:00:00.000Z', '2026-09-30T23:59:59.999Z'],
    ['2026-1', '2026-10-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z'],
    ['2023-02-2', '2023-02-20T00:00:00.000Z', '2023-02-28T23:59:59.999Z'],
    ['2026-02-01t1', '2026-02-01T10:00:00.000Z', '2026-02-01T19:59:59.999Z'],
    ['2026-02-01T23:5', '2026-02-01T23:50:00.000Z', '2026-02-01T23:59:59.999Z'],
    ['2026-02-01T23:59:59.25', '2026-02-01T23:59:59.250Z', '2026-02-01T23:59:59.259Z'],
    ['0000', '9999-12-31T23:59:59.999Z', '0001-01-01T00:00:00.000Z'],
  ])('%s is a range where it can stand at their beginning only', (text, from, to) => {
    expect(search(text)).toEqual({ pairs: [], from: new Date(from), to: new Date(to) });
  });

  test.each(['2026-2', '2026-02-30', '2026-13', '2026-01-01T24', '2026-01-01T23:60'])('%s is in none', (text) => {
    const { from = earliest, to = latest } = search(text);
    expect(from > to).toBe(true);
  });

  test.each(['', '20', '02-01', 'T10', ':30', '.000Z', 'Z', 'yesterday', '2026/01'])('%s stays a text', (text) => {
    const pairs = [{ field: 'timestamp', text }] as const;
    expect(timestampTextsAsRange({ pairs })).toEqual({ pairs, from: undefined, to: undefined });
  });

  test('means the same as the range that is made of it', () => {
    fc.assert(
      fc.property(moments, moments, fc.integer({ min: 4, max: 24 }), (of, other, length) => {
        const text = of.toISOString().slice(0, length);
        // Beyond the year 0 and 9999 no event has a time.
        expect(isIn(text, of)).toBe(true);
        expect(isIn(text, other)).toBe(other.toISOString().includes(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('narrows the range that was asked for', () => {
    const from = new Date('2026-02-03T00:00:00Z');
    const pairs = [
      { field: 'timestamp', text: '2026-02-0' },
      { field: 'type', text: 'x' },
    ] as const;
    expect(timestampTextsAsRange({ pairs, from, to: new Date('2027-01-01T00:00:00Z') })).toEqual({
      pairs: [{ field: 'type', text: 'x' }],
      from,
      to: new Date('2026-02-09T23:59:59.999Z'),
    });
  });
});
