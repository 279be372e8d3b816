import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/sandbox/pace.ts';

describe('a pace', () => {
  it('lets a burst through and makes an endless stream wait', () => {
    const pace = new Pace(10, 5_000);
    expect(pace.take(5_000, 0)).toBe(0);
    expect(pace.take(100, 0)).toBe(10);
    expect(pace.take(50, 10)).toBe(5);
    expect(pace.take(10, 100)).toBe(0);
  });
});
