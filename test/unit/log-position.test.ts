import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logStart, readPosition, writePosition } from '../../src/domain/log-position.ts';
import { executionStatuses } from '../../src/domain/status.ts';

const anyPosition = fc.record({
  attempt: fc.nat(999_999),
  stdout: fc.nat(16 << 20),
  stderr: fc.nat(16 << 20),
  status: fc.constantFrom(null, ...executionStatuses),
  calls: fc.array(fc.boolean(), { maxLength: 400 }),
});

test('a position is read as it was written, in one short line', () => {
  expect(writePosition(logStart)).toBe('0.0.0..');
  const some = { attempt: 2, stdout: 140, stderr: 0, status: 'running' as const, calls: [true, true, true, false] };
  expect(writePosition(some)).toBe('2.140.0.running.3a1o');
  fc.assert(
    fc.property(anyPosition, (position) => {
      expect(readPosition(writePosition(position))).toEqual(position);
    }),
  );
});

test('anything else is no position', () => {
  for (const text of [
    '',
    '1',
    '1.2.3.running',
    '1.2.3.gone.',
    '1.2.3.running.3x',
    '-1.0.0..',
    '1.0.0..9999a9999a',
    '1.0.0.. ',
  ]) {
    expect(readPosition(text), text).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const position = readPosition(text);
      if (position !== undefined) expect(readPosition(writePosition(position))).toEqual(position);
    }),
  );
});
