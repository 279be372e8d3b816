import { expect, it } from 'vitest';
import { metricsAccess, metricsRoute } from '../../src/api/routes/metrics.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

const token = 'what-only-prometheus-knows';

async function ask(isLoopback: boolean, expected?: string, sent?: string): Promise<number> {
  const app = metricsRoute(createMetrics(), metricsAccess(isLoopback, expected));
  const headers = sent === undefined ? {} : { authorization: sent };
  return (await app.request('/metrics', { headers })).status;
}

it('metrics are open on this machine, and beyond it to nobody without a token', async () => {
  expect(await ask(true)).toBe(200);
  expect(await ask(false)).toBe(403);
  expect(await ask(false, undefined, `Bearer ${token}`)).toBe(403);
});

it('where there is a token, only it opens them', async () => {
  for (const isLoopback of [true, false]) {
    expect(await ask(isLoopback, token)).toBe(401);
    expect(await ask(isLoopback, token, `Bearer ${token}x`)).toBe(401);
    expect(await ask(isLoopback, token, token)).toBe(401);
    expect(await ask(isLoopback, token, `Bearer ${token}`)).toBe(200);
  }
});

it('sinks are asked at every scrape; those that are gone are no longer shown', async () => {
  const metrics = createMetrics();
  let lags = [{ organizationId: 'acme', sink: 'lake', pending: 3, oldestMs: 1_500, dead: 1 }];
  metrics.watchSinks(() => Promise.resolve(lags));
  const labels = '{organization="acme",sink="lake"}';
  const { body } = await metrics.text();
  expect(body).toContain(`afterword_sink_pending${labels} 3`);
  expect(body).toContain(`afterword_sink_dead${labels} 1`);
  expect(body).toContain(`afterword_sink_lag_seconds${labels} 1.5`);
  lags = [];
  expect((await metrics.text()).body).not.toContain(labels);
});

it('shows the others while the store of the sinks is away', async () => {
  const metrics = createMetrics();
  metrics.watchSinks(() => Promise.reject(new Error('away')));
  metrics.watchRelay(() => 2_000);
  expect((await metrics.text()).body).toContain('afterword_relay_lag_seconds 2');
});

it('an attempt that is not the last counts for no execution', async () => {
  const metrics = createMetrics();
  const attempt = { organizationId: 'acme', handler: 'crm', kind: 'event' as const, queueMs: -1, runMs: 20 };
  metrics.attemptEnded({ ...attempt, outcome: 'failed', reason: 'raised', final: null });
  metrics.attemptEnded({ ...attempt, outcome: 'timed_out', reason: null, final: 'timed_out' });
  const { body } = await metrics.text();
  const labels = 'organization="acme",handler="crm",kind="event"';
  expect(body).toContain(`afterword_attempts_total{${labels},outcome="failed",reason="raised"} 1`);
  expect(body).toContain(`afterword_executions_total{${labels},status="timed_out",reason=""} 1`);
  expect(body).not.toContain(
    'afterword_executions_total{organization="acme",handler="crm",kind="event",status="failed"',
  );
});
