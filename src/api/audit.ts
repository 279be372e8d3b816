import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { z } from 'zod';
import type { JsonObject } from '../contract/json.ts';
import { logAuditFailed } from '../observability/server-log.ts';
import { writeAudit, type NewAuditEntry } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import { inTransaction } from '../store/transaction.ts';
import { actionOf } from './audit-action.ts';
import type { ApiEnvironment } from './environment.ts';
import type { ApiContext } from './problems.ts';

export interface Told {
  /** Name or id of what was changed; left out: what the path names. */
  readonly object?: string;
  /** What changed, without secrets. */
  readonly summary?: JsonObject;
}

/** A change and its entry of the audit log in one transaction; `work` uses `trx` alone. */
export async function audited<Result>(
  c: ApiContext,
  work: (trx: Database) => Promise<Result>,
  tell: (result: Result) => Told = () => ({}),
): Promise<Result> {
  const result = await inTransaction(c.get('services').db, async (trx) => {
    const done = await work(trx);
    await writeAudit(trx, c.get('organizationId'), entryOf(c, tell(done)));
    return done;
  });
  c.set('audited', true);
  return result;
}

/** Nothing changed after all: no entry. */
export function nothingChanged(c: ApiContext): void {
  c.set('audited', true);
}

/**
 * Around every route that changes something: writes the entry of what its route did not write itself, such as changes that are
 * made at Temporal. Those are written when the change is done.
 */
export const auditRest = createMiddleware<ApiEnvironment>(async (c, next) => {
  await next();
  const changes = c.req.method !== 'GET' && c.req.method !== 'HEAD';
  if (!changes || !c.res.ok || c.get('audited') === true || c.res.headers.has('idempotency-replayed')) return;
  const { db, log } = c.get('services');
  const entry = entryOf(c, { ...(await objectIn(c)), summary: await fieldsOf(c) });
  await writeAudit(db, c.get('organizationId'), entry).catch((error: unknown) => {
    logAuditFailed(log, entry, error);
  });
});

/** Who, what and when, as the request says. */
export function entryOf(c: ApiContext, { object = paramsOf(c), summary = {} }: Told): NewAuditEntry {
  const action = actionOf(c.req.method, routePath(c, -1));
  const who = { keyId: c.get('keyId'), who: c.get('keyName'), requestId: c.get('requestId') };
  return { ...who, action, object: object.slice(0, 500), summary };
}

function paramsOf(c: ApiContext): string {
  return Object.values<string>(c.req.param()).join('/');
}

const Named = z.object({ id: z.string().optional(), executionId: z.string().optional(), name: z.string().optional() });

/** What was made has no name in the path. */
async function objectIn(c: ApiContext): Promise<Told> {
  if (paramsOf(c) !== '' || c.res.headers.get('content-type')?.includes('json') !== true) return {};
  const named = Named.safeParse(await c.res.clone().json()).data;
  const object = named?.executionId ?? named?.id ?? named?.name;
  return object === undefined ? {} : { object };
}

/** Names only: values may be anything. */
async function fieldsOf(c: ApiContext): Promise<JsonObject> {
  const body = Fields.safeParse(parsed(await c.req.text())).data;
  return body === undefined ? {} : { fields: Object.keys(body).slice(0, 50) };
}

const Fields = z.record(z.string(), z.unknown());

/** A route that takes no body is sent anything. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
