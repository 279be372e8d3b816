import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { Metrics } from '../../observability/metrics.ts';

/** Who may read the metrics: whoever reaches the port, whoever sends the token, or nobody. */
export type MetricsAccess = 'open' | 'closed' | { readonly token: string };

/** Handlers' names stand in the metrics: beyond this machine only a token opens them. */
export function metricsAccess(isLoopback: boolean, token: string | undefined): MetricsAccess {
  if (token !== undefined) return { token };
  return isLoopback ? 'open' : 'closed';
}

/** `GET /metrics`, in the text format of Prometheus. */
export function metricsRoute(metrics: Metrics, access: MetricsAccess): Hono {
  const app = new Hono();
  app.get('/metrics', async (c) => {
    if (access === 'closed') {
      return c.text(
        'Set AFTERWORD_METRICS_TOKEN to read the metrics of a server that listens beyond its machine.\n',
        403,
      );
    }
    if (access !== 'open' && !isToken(c.req.header('authorization') ?? '', access.token)) {
      c.header('WWW-Authenticate', 'Bearer');
      return c.text('Send Authorization: Bearer with the value of AFTERWORD_METRICS_TOKEN.\n', 401);
    }
    const { body, contentType } = await metrics.text();
    return c.body(body, 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
  });
  return app;
}

function isToken(header: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header), digest(`Bearer ${token}`));
}
