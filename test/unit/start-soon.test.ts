import { afterEach, expect, test, vi } from 'vitest';
import { createStartSoon } from '../../src/api/start-soon.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { createLog } from '../../src/observability/log.ts';

afterEach(() => {
  vi.useRealTimers();
});

const log = createLog({ level: 'error', process: 'test' });

function underTest({ restMs }: { readonly restMs: number }) {
  const temporal = { isAway: true, never: false };
  const tried: string[] = [];
  const startSoon = createStartSoon({
    start: async ({ workflowId }: { readonly workflowId: string }) => {
      tried.push(workflowId);
      if (temporal.never) await new Promise(() => undefined);
      if (temporal.isAway) throw new AfterwordError('temporal_unavailable', 'away');
    },
    log,
    waitMs: 3_600_000,
    restMs,
  });
  return { temporal, tried, startSoon: (workflowId: string) => startSoon({ workflowId }) };
}

test('in an outage one event in a while asks whether Temporal is back', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { temporal, tried, startSoon } = underTest({ restMs: 100 });
  await startSoon('a');
  await startSoon('b');
  await startSoon('c');
  expect(tried).toEqual(['a']);
  vi.setSystemTime(Date.now() + 120);
  await Promise.all(['d', 'e', 'f'].map(startSoon));
  expect(tried).toEqual(['a', 'd']);
  temporal.isAway = false;
  vi.setSystemTime(Date.now() + 120);
  await startSoon('g');
  await startSoon('h');
  expect(tried).toEqual(['a', 'd', 'g', 'h']);
});

test('nobody waits for the one that asks', async () => {
  const { temporal, tried, startSoon } = underTest({ restMs: 0 });
  await startSoon('a');
  temporal.never = true;
  await startSoon('b');
  expect(tried).toEqual(['a', 'b']);
});
