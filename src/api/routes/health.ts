import { createRoute, z } from '@hono/zod-openapi';
import { cageLevels, worstOf, type CageLevel } from '../../domain/cage-level.ts';
import type { Store } from '../../store/database.ts';
import { sinkLag } from '../../store/sink-lag.ts';
import { checkSchema } from '../../store/migrate.ts';
import type { Api } from '../environment.ts';
import { jsonOf } from '../route-parts.ts';
import { within } from '../within.ts';

export interface Health {
  /** Rejects when Temporal cannot be reached. */
  readonly checkTemporal: () => Promise<void>;
  /** How well each worker that runs handlers locks them up. Rejects while Temporal is away. */
  readonly workers: () => Promise<readonly CageLevel[]>;
  /** For how long accepted events have been waiting for the relay; 0: none wait. */
  readonly relayLagMs: () => number;
}

const checkMs = 2_000;
const relayLateMs = 60_000;

const State = z.enum(['ok', 'away', 'late']);
const Readiness = z
  .object({
    status: z
      .enum(['ready', 'degraded', 'unready'])
      .meta({ description: 'degraded: events are accepted and stored; they run later, when what is away is back.' }),
    store: State,
    temporal: State,
    relay: State,
    relayLagMs: z.number(),
    sinkLagMs: z.number().nullable().meta({
      description: 'Age of the oldest analytics event that waits for a sink which is on; null while the store is away.',
    }),
    workers: z
      .int()
      .nullable()
      .meta({ description: 'Worker processes that run handlers; null while Temporal is away.' }),
    cage: z
      .enum(cageLevels)
      .nullable()
      .meta({ description: 'How well handlers are locked up, of the worker that does it worst; null: not known.' }),
  })
  .meta({ id: 'Readiness' });

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['Operation'],
  summary: 'Whether the process is up',
  responses: { 200: jsonOf(z.object({ status: z.literal('ok') }), 'It is.') },
});

const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['Operation'],
  summary: 'Whether the process can do its work',
  responses: {
    200: jsonOf(Readiness, 'Events are accepted.'),
    503: jsonOf(Readiness, 'The store is away or its schema is not this program’s: events are refused.'),
  },
});

/**
 * Only the store decides between 200 and 503: while Temporal is away events are still accepted, and taking every
 * server out of the balancer would lose what the relay would have started later.
 */
export function addHealthRoutes(api: Api, store: Store, health: Health): void {
  api.openapi(healthz, (c) => c.json({ status: 'ok' as const }, 200));

  api.openapi(readyz, async (c) => {
    const [storeState, temporalState, levels, sinkLagMs] = await Promise.all([
      stateOf(() => checkSchema(store)),
      stateOf(health.checkTemporal),
      within(
        health.workers().catch(() => null),
        checkMs,
      ),
      oldestOfSinks(store),
    ]);
    const relayLagMs = Math.round(health.relayLagMs());
    const relayState = relayLagMs > relayLateMs ? ('late' as const) : ('ok' as const);
    const known = levels === 'late' ? null : levels;
    const cage = worstOf(known ?? []) ?? null;
    const workers = known?.length ?? null;
    const states = {
      store: storeState,
      temporal: temporalState,
      relay: relayState,
      relayLagMs,
      sinkLagMs,
      workers,
      cage,
    };
    if (storeState !== 'ok') return c.json({ status: 'unready' as const, ...states }, 503);
    const isReady = temporalState === 'ok' && relayState === 'ok' && workers !== 0 && cage !== 'refused';
    return c.json({ status: isReady ? ('ready' as const) : ('degraded' as const), ...states }, 200);
  });
}

async function oldestOfSinks(store: Store): Promise<number | null> {
  const oldest = sinkLag(store.db).then(
    (lags) => Math.max(0, ...lags.filter(({ enabled }) => enabled).map((lag) => lag.oldestPendingSeconds * 1_000)),
    () => null,
  );
  const lagMs = await within(oldest, checkMs);
  return lagMs === 'late' || lagMs === null ? null : Math.round(lagMs);
}

async function stateOf(check: () => Promise<unknown>): Promise<'ok' | 'away'> {
  const checked = check().then(
    () => 'ok' as const,
    () => 'away' as const,
  );
  const state = await within(checked, checkMs);
  return state === 'late' ? 'away' : state;
}
