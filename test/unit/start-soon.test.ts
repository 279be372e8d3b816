import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createStartSoon } from '../../src/api/start-soon.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { createLog } from '../../src/observability/log.ts';

const log = createLog({ level: 'error', process: 'test' });

function underTest({ restMs, waitMs = 50 }: { readonly restMs: number; readonly waitMs?: number }) {
  const temporal = { isAway: true, never: false };
  const tried: string[] = [];
  const startSoon = createStartSoon({
    start: async ({ workflowId }: { readonly workflowId: string }) => {
      tried.push(workflowId);
      if (temporal.never) await new Promise(() => undefined);
      if (temporal.isAway) throw new AfterwordError('temporal_unavailable', 'away');
    },
    log,
    waitMs,
    restMs,
  });
  return { temporal, tried, startSoon: (workflowId: string) => startSoon({ workflowId }) };
}

test('in an outage one event in a while asks whether Temporal is back', async () => {
  const { temporal, tried, startSoon } = underTest({ restMs: 100 });
  await startSoon('a');
  await startSoon('b');
  await startSoon('c');
  expect(tried).toEqual(['a']);
  await sleep(120);
  await Promise.all(['d', 'e', 'f'].map(startSoon));
  expect(tried).toEqual(['a', 'd']);
  temporal.isAway = false;
  await sleep(120);
  await startSoon('g');
  await startSoon('h');
  expect(tried).toEqual(['a', 'd', 'g', 'h']);
});

test('nobody waits for the one that asks', async () => {
  const { temporal, tried, startSoon } = underTest({ restMs: 0, waitMs: 3_600_000 });
  await startSoon('a');
  temporal.never = true;
  await startSoon('b');
  expect(tried).toEqual(['a', 'b']);
});
