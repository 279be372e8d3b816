import { describe, expect, test } from 'vitest';
import { formatDuration, formatTime, oneLine, printable } from '../../../src/cli/text.ts';

describe('printable', () => {
  test('keeps line ends, tabs, colours and other languages', () => {
    const text = 'a\tb\n\u001b[31mred\u001b[0m größer 日本';
    expect(printable(text)).toBe(text);
  });

  test('shows what would steer the terminal', () => {
    expect(printable('\u001b[2Jx\u001b]52;c;cGFzcw==\u0007\r!\u009b1m')).toBe('␛[2Jx␛]52;c;cGFzcw==␇␍!\ufffd1m');
  });
});

test('oneLine joins lines and cuts at whole characters', () => {
  expect(oneLine('one\n  two')).toBe('one two');
  expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…');
});

test.each([
  [null, '–'],
  [0.4, '0 ms'],
  [999.4, '999 ms'],
  [1_500, '1.5 s'],
  [59_940, '59.9 s'],
  [60_000, '1 min 00 s'],
  [125_000, '2 min 05 s'],
])('formatDuration(%j) is %s', (ms, shown) => {
  expect(formatDuration(ms)).toBe(shown);
});

test('formatTime is in UTC, to the second', () => {
  expect(formatTime('2026-01-31T13:00:00.123+01:00')).toBe('2026-01-31 12:00:00Z');
  expect(formatTime(null)).toBe('–');
});
