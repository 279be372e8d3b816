import { createRoute, z } from '@hono/zod-openapi';
import { EventType } from '../../contract/conversation-event.ts';
import { invalidRequest, toFieldErrors } from '../../contract/field-errors.ts';
import { HandlerDiff, SettingsChange } from '../../contract/handler-draft.ts';
import { Handler, HandlerSettings, HandlerVersion, PushedAndChecked } from '../../contract/handler.ts';
import { getDraft } from '../../store/handler-drafts.ts';
import {
  deleteHandler,
  getHandler,
  getHandlerVersion,
  listHandlerVersions,
  pushVersion,
} from '../../store/handlers.ts';
import { missingSecrets } from '../../store/secrets.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { findFaults, refuseErrors, withMissingSecrets } from '../handler-code.ts';
import { listOf } from '../lists.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';
import { unifiedDiff } from '../unified-diff.ts';

const tags = ['Handlers'];
const params = z.object({ name: z.string().meta({ description: 'Name or id of a handler.' }) });

const VersionNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'the number of a version')
  .transform(Number)
  .meta({ type: 'integer' });

const listVersions = createRoute({
  method: 'get',
  path: '/handlers/{name}/versions',
  tags,
  summary: 'List the versions of a handler, newest first',
  ...needs('read'),
  request: { params },
  responses: answers(listOf(HandlerVersion, 'HandlerVersionList'), 'All of them.'),
});

const getVersion = createRoute({
  method: 'get',
  path: '/handlers/{name}/versions/{version}',
  tags,
  summary: 'One version with its code',
  ...needs('read'),
  request: { params: params.extend({ version: VersionNumber }) },
  responses: answers(HandlerVersion, 'The version.'),
});

const DiffQuery = z.strictObject({
  from: VersionNumber.optional().meta({ description: 'A version; left out: the current one.' }),
  to: z
    .union([z.literal('draft'), VersionNumber])
    .default('draft')
    .meta({ description: 'A version, or `draft`.' }),
});

const diff = createRoute({
  method: 'get',
  path: '/handlers/{name}/diff',
  tags,
  summary: 'What differs between two versions, or a version and the draft',
  ...needs('read'),
  request: { params, query: DiffQuery },
  responses: answers(HandlerDiff, 'Unified diffs of code and settings.'),
});

const changeSettings = createRoute({
  method: 'patch',
  path: '/handlers/{name}/settings',
  tags,
  summary: 'Change settings alone',
  description: 'Makes a new version with the code as it is, where something changed.',
  ...needs('write'),
  request: { params, body: bodyOf(SettingsChange) },
  responses: answers(PushedAndChecked, 'New events run with them.'),
});

const remove = createRoute({
  method: 'delete',
  path: '/handlers/{name}',
  tags,
  summary: 'Delete a handler',
  description: 'It runs no more and its name is free; its executions and their logs stay, also by its id in the list.',
  ...needs('write'),
  request: { params },
  responses: answers(Handler, 'As it was, switched off.'),
});

export function addHandlerVersionRoutes(api: Api, { store, checkCode }: ApiDependencies): void {
  const { db } = store;

  api.openapi(listVersions, async (c) => {
    const { name } = c.req.valid('param');
    return c.json({ items: await listHandlerVersions(db, c.get('organizationId'), name), next: null }, 200);
  });

  api.openapi(getVersion, async (c) => {
    const { name, version } = c.req.valid('param');
    return c.json(await getHandlerVersion(db, c.get('organizationId'), name, version), 200);
  });

  api.openapi(diff, async (c) => {
    const organizationId = c.get('organizationId');
    const { name } = c.req.valid('param');
    const { from, to } = c.req.valid('query');
    const sides = [
      from === undefined ? await getHandler(db, organizationId, name) : await version(organizationId, name, from),
      to === 'draft' ? await getDraft(db, organizationId, name) : await version(organizationId, name, to),
    ] as const;
    const names = [
      `version ${String('version' in sides[0] ? sides[0].version : from)}`,
      to === 'draft' ? to : `version ${String(to)}`,
    ] as const;
    const compare = (textOf: (side: (typeof sides)[number]) => string) =>
      unifiedDiff({ name: names[0], text: textOf(sides[0]) }, { name: names[1], text: textOf(sides[1]) });
    return c.json(
      {
        from: names[0],
        to: names[1],
        code: compare(({ code }) => code),
        settings: compare(({ settings }) => `${JSON.stringify(settings, null, 2)}\n`),
      },
      200,
    );
  });

  const version = (organizationId: string, name: string, number: number) =>
    getHandlerVersion(db, organizationId, name, number);

  api.openapi(changeSettings, async (c) => {
    const organizationId = c.get('organizationId');
    const { settings: changes, note, expectedVersion } = c.req.valid('json');
    const handler = await getHandler(db, organizationId, c.req.valid('param').name);
    const settings = changedSettings(handler.settings, changes);
    const { code, language } = handler;
    const check = await findFaults(checkCode, code, { language, tool: settings.tool });
    refuseErrors(check);
    const changed = { name: handler.name, language, code, settings, ...(note === undefined ? {} : { note }) };
    const push = { ...changed, eventType: EventType.parse(handler.eventType) };
    const pushed = await audited(
      c,
      (trx) => pushVersion(trx, organizationId, push, expectedVersion ?? handler.version),
      ({ version, changed: isNew }) => ({ summary: { version, changed: isNew, settings: Object.keys(changes) } }),
    );
    const missing = await missingSecrets(db, organizationId, settings.secrets ?? []);
    return c.json({ ...pushed, check: withMissingSecrets(check, missing) }, 200);
  });

  api.openapi(remove, async (c) =>
    c.json(await audited(c, (trx) => deleteHandler(trx, c.get('organizationId'), c.req.valid('param').name)), 200),
  );
}

/** Throws `invalid_request` naming each setting that is not as it should be. */
function changedSettings(settings: HandlerSettings, changes: Readonly<Record<string, unknown>>): HandlerSettings {
  const merged = Object.entries<unknown>({ ...settings, ...changes }).filter(([, value]) => value !== null);
  const parsed = HandlerSettings.safeParse(Object.fromEntries(merged));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => toFieldErrors(issue));
  throw invalidRequest(
    faults.map(({ field, message }) => ({ field: `settings.${field}`, message })),
    'body',
  );
}
