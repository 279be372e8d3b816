import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How far one sink is behind. */
export interface SinkLag {
  readonly organizationId: string;
  /** Its id; of one that every organisation has, its name: `store`. */
  readonly sink: string;
  readonly name: string;
  /** Deliveries that have not come to an end. */
  readonly pending: number;
  /** How long the oldest of them has waited; 0 where none does. */
  readonly oldestPendingSeconds: number;
  /** Deliveries that were given up. */
  readonly dead: number;
  /** False: nothing is sent to it until it is switched on again, so what waits is no fault. */
  readonly enabled: boolean;
}

/**
 * Of all sinks of all organisations: those that organisations have set up, also without anything waiting, and whatever
 * else has something that waits or was given up.
 */
export async function sinkLag(db: Database): Promise<SinkLag[]> {
  const { rows } = await sql<{
    organization_id: string;
    sink: string;
    name: string | null;
    pending: number;
    oldest: number;
    dead: number;
    enabled: boolean | null;
  }>`
    with behind as (
      select organization_id, sink, count(*) as pending, min(created_at) as oldest, 0 as dead
      from analytics_deliveries where state = 'pending' group by organization_id, sink
      union all
      select organization_id, sink, 0, null, count(*)
      from analytics_deliveries where state = 'dead' group by organization_id, sink
      union all
      select organization_id, id, 0, null, 0 from analytics_sinks where deleted_at is null
    )
    select behind.organization_id, behind.sink, known.name, sum(behind.pending)::bigint as pending,
           coalesce(extract(epoch from now() - min(behind.oldest)), 0)::float8 as oldest, sum(behind.dead)::bigint as dead,
           known.enabled
    from behind left join analytics_sinks known
      on known.id = behind.sink and known.organization_id = behind.organization_id
    group by behind.organization_id, behind.sink, known.name, known.enabled
    order by behind.organization_id, known.name, behind.sink`.execute(db);
  return rows.map(({ organization_id: organizationId, sink, name, pending, oldest, dead, enabled }) => ({
    organizationId,
    sink,
    name: name ?? sink,
    pending,
    oldestPendingSeconds: Math.max(0, oldest),
    dead,
    enabled: enabled ?? true,
  }));
}
