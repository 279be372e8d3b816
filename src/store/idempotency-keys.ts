import { v7 as uuidv7 } from 'uuid';
import { limits } from '../domain/limits.ts';
import type { Database } from './database.ts';

export interface FirstAnswer {
  readonly status: number;
  /** JSON of its headers. */
  readonly headers: string;
  readonly body: string;
}

/** `begun`: this request is the first and works under `claim`. */
export type Claimed =
  | { readonly state: 'begun'; readonly claim: string }
  | { readonly state: 'under way' }
  | { readonly state: 'other request' }
  | ({ readonly state: 'answered' } & FirstAnswer);

const keptMs = limits.idempotencyHours * 3_600_000;

/** The first request with a key begins; later ones learn what became of it. */
export async function claimIdempotencyKey(
  db: Database,
  organizationId: string,
  key: string,
  requestHash: string,
): Promise<Claimed> {
  const claim = uuidv7();
  const now = Date.now();
  const row = { request_hash: requestHash, claim, started_at: new Date(now), status: null, headers: null, body: null };
  const begun = await db
    .insertInto('idempotency_keys')
    .values({ organization_id: organizationId, key, ...row })
    .onConflict((conflict) =>
      conflict
        .columns(['organization_id', 'key'])
        .doUpdateSet(row)
        .where((where) =>
          where.or([
            where('idempotency_keys.started_at', '<', new Date(now - keptMs)),
            where.and([
              where('idempotency_keys.status', 'is', null),
              where('idempotency_keys.request_hash', '=', requestHash),
              where('idempotency_keys.started_at', '<', new Date(now - limits.idempotencyClaimMs)),
            ]),
          ]),
        ),
    )
    .returning('claim')
    .executeTakeFirst();
  if (begun !== undefined) return { state: 'begun', claim };
  const known = await db
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'status', 'headers', 'body'])
    .where('organization_id', '=', organizationId)
    .where('key', '=', key)
    .executeTakeFirst();
  // It was given back between the two statements: whoever asks again begins.
  if (known === undefined) return { state: 'under way' };
  if (known.request_hash !== requestHash) return { state: 'other request' };
  const { status, headers, body } = known;
  return status === null
    ? { state: 'under way' }
    : { state: 'answered', status, headers: headers ?? '{}', body: body ?? '' };
}

/** Kept for the same request with the same key. */
export async function keepFirstAnswer(
  db: Database,
  organizationId: string,
  { key, claim }: { readonly key: string; readonly claim: string },
  answer: FirstAnswer,
): Promise<void> {
  await db
    .updateTable('idempotency_keys')
    .set({ status: answer.status, headers: answer.headers, body: answer.body })
    .where('organization_id', '=', organizationId)
    .where('key', '=', key)
    .where('claim', '=', claim)
    .execute();
}

/** Nothing was begun: the key can be used again. */
export async function giveBackIdempotencyKey(
  db: Database,
  organizationId: string,
  { key, claim }: { readonly key: string; readonly claim: string },
): Promise<void> {
  await db
    .deleteFrom('idempotency_keys')
    .where('organization_id', '=', organizationId)
    .where('key', '=', key)
    .where('claim', '=', claim)
    .execute();
}

/** Of all organisations, those whose time is over. */
export async function forgetOldAnswers(db: Database): Promise<void> {
  await db
    .deleteFrom('idempotency_keys')
    .where('started_at', '<', new Date(Date.now() - keptMs))
    .execute();
}
