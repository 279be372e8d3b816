import type { Selectable } from 'kysely';
import { EventType } from '../contract/conversation-event.ts';
import type { DeployInput, DraftSummary, HandlerDraft, HandlerDraftInput } from '../contract/handler-draft.ts';
import { invalidRequest } from '../contract/field-errors.ts';
import type { PushedHandler } from '../contract/handler.ts';
import { refuseOwnType } from '../domain/cancel-on.ts';
import { AfterwordError } from '../domain/errors.ts';
import { refuseLargeCode, refuseToolIn } from '../domain/handler-code.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';
import { filesJsonOf, handlerFileOf } from './handler-files.ts';
import { settingsOf } from './handler-rows.ts';
import { pushVersion } from './handlers.ts';
import type { HandlerDraftsTable } from './tables-handler-drafts.ts';
import { isUuid } from './uuid-text.ts';

type DraftRow = Selectable<HandlerDraftsTable> & { current_version: number | null };

/**
 * Saves what is to become the next version, or a new handler; what was saved before is replaced. Whether the code can work
 * does not matter yet. Throws `invalid_handler` for code over 256 KB and settings that do not fit, `invalid_request` where
 * the type of a new handler is missing, `handler_event_type_fixed`.
 */
export async function saveDraft(
  db: Database,
  organizationId: string,
  nameOrId: string,
  input: HandlerDraftInput,
): Promise<HandlerDraft> {
  const handler = await handlerOf(db, organizationId, nameOrId);
  const eventType = EventType.safeParse(input.eventType ?? handler?.event_type).data;
  if (eventType === undefined) {
    throw invalidRequest(
      [{ field: 'eventType', message: 'is required: there is no handler of this name yet' }],
      'body',
    );
  }
  if (handler !== undefined && handler.event_type !== eventType) {
    throw new AfterwordError(
      'handler_event_type_fixed',
      `The handler "${handler.name}" is for ${handler.event_type}; it cannot become one for ${eventType}.`,
    );
  }
  refuseLargeCode(input.code);
  refuseToolIn(input.language, input.settings.tool);
  refuseOwnType(eventType, input.settings.cancelOn);
  const name = handler?.name ?? nameOrId;
  const content = { event_type: eventType, files: filesJsonOf(input), settings: JSON.stringify(input.settings) };
  await db
    .insertInto('handler_drafts')
    .values({
      organization_id: organizationId,
      name,
      ...content,
      base_version: handler?.current_version ?? null,
    })
    .onConflict((conflict) =>
      conflict.columns(['organization_id', 'name']).doUpdateSet({ ...content, updated_at: new Date() }),
    )
    .execute();
  return await getDraft(db, organizationId, name);
}

/** Throws `draft_not_found`. */
export async function getDraft(db: Database, organizationId: string, nameOrId: string): Promise<HandlerDraft> {
  return toDraft(await findDraft(db, organizationId, nameOrId));
}

/** By name, also of handlers that there are not yet. */
export async function listDrafts(db: Database, organizationId: string): Promise<DraftSummary[]> {
  const rows = await draftsOf(db, organizationId).orderBy('draft.name').execute();
  return rows.map(toSummary);
}

/** What was thrown away. Throws `draft_not_found`. */
export async function deleteDraft(db: Database, organizationId: string, nameOrId: string): Promise<HandlerDraft> {
  const row = await findDraft(db, organizationId, nameOrId);
  await removeDraft(db, organizationId, row.name);
  return toDraft(row);
}

/**
 * Makes the draft the current version; it is gone then. `draft` is what the caller has read and checked: where it was saved
 * anew meanwhile this throws `handler_changed`, as where another version than the expected one is current.
 */
export async function deployDraft(
  db: Database,
  organizationId: string,
  draft: HandlerDraft,
  { expectedVersion, note, enabled }: DeployInput,
): Promise<PushedHandler> {
  return await inTransaction(db, async (trx) => {
    const row = await trx
      .selectFrom('handler_drafts')
      .select('updated_at')
      .where('organization_id', '=', organizationId)
      .where('name', '=', draft.name)
      .forUpdate()
      .executeTakeFirst();
    if (row?.updated_at.toISOString() !== draft.updatedAt) {
      throw new AfterwordError('handler_changed', `The draft of "${draft.name}" was saved or deployed meanwhile.`);
    }
    const { name, eventType, language, code, settings } = draft;
    const more = { ...(note === undefined ? {} : { note }), ...(enabled === undefined ? {} : { enabled }) };
    const push = { name, eventType, language, code, settings, ...more };
    const pushed = await pushVersion(trx, organizationId, push, expectedVersion);
    await removeDraft(trx, organizationId, name);
    return pushed;
  });
}

async function removeDraft(db: Database, organizationId: string, name: string): Promise<void> {
  await db
    .deleteFrom('handler_drafts')
    .where('organization_id', '=', organizationId)
    .where('name', '=', name)
    .execute();
}

function draftsOf(db: Database, organizationId: string) {
  return db
    .selectFrom('handler_drafts as draft')
    .leftJoin('handlers', (join) =>
      join
        .onRef('handlers.organization_id', '=', 'draft.organization_id')
        .onRef('handlers.name', '=', 'draft.name')
        .on('handlers.deleted_at', 'is', null),
    )
    .selectAll('draft')
    .select('handlers.current_version')
    .where('draft.organization_id', '=', organizationId);
}

async function findDraft(db: Database, organizationId: string, nameOrId: string): Promise<DraftRow> {
  const row = await draftsOf(db, organizationId)
    .where((where) =>
      isUuid(nameOrId)
        ? where.or([where('handlers.id', '=', nameOrId), where('draft.name', '=', nameOrId)])
        : where('draft.name', '=', nameOrId),
    )
    .executeTakeFirst();
  if (row !== undefined) return row;
  throw new AfterwordError('draft_not_found', `The handler "${nameOrId}" has no draft.`);
}

async function handlerOf(db: Database, organizationId: string, nameOrId: string) {
  return await db
    .selectFrom('handlers')
    .select(['name', 'event_type', 'current_version'])
    .where('organization_id', '=', organizationId)
    .where('deleted_at', 'is', null)
    .where((where) =>
      isUuid(nameOrId)
        ? where.or([where('id', '=', nameOrId), where('name', '=', nameOrId)])
        : where('name', '=', nameOrId),
    )
    .executeTakeFirst();
}

function toSummary(row: DraftRow): DraftSummary {
  return {
    name: row.name,
    eventType: EventType.parse(row.event_type),
    language: handlerFileOf(row.files).language,
    baseVersion: row.base_version,
    currentVersion: row.current_version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function toDraft(row: DraftRow): HandlerDraft {
  return { ...toSummary(row), ...handlerFileOf(row.files), settings: settingsOf(row.settings) };
}
