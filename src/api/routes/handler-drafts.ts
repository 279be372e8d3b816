import { createRoute, z } from '@hono/zod-openapi';
import {
  DeployInput,
  DraftSummary,
  HandlerDraft,
  HandlerDraftInput,
  SavedDraft,
} from '../../contract/handler-draft.ts';
import { HandlerName, PushedAndChecked } from '../../contract/handler.ts';
import { deleteDraft, deployDraft, getDraft, listDrafts, saveDraft } from '../../store/handler-drafts.ts';
import { missingSecrets } from '../../store/secrets.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { findFaults, refuseErrors, refuseNoCode, uncheckedCode, withMissingSecrets } from '../handler-code.ts';
import { listOf } from '../lists.ts';
import { answers, bodyOf, jsonOf, needs } from '../route-parts.ts';

const tags = ['Handlers'];
const params = z.object({ name: z.string().meta({ description: 'Name or id of a handler.' }) });
const newParams = z.object({ name: HandlerName });

const list = createRoute({
  method: 'get',
  path: '/handler-drafts',
  tags,
  summary: 'List drafts, also of handlers that there are not yet',
  ...needs('read'),
  responses: answers(listOf(DraftSummary, 'HandlerDraftList'), 'All of them, by name.'),
});

const save = createRoute({
  method: 'put',
  path: '/handlers/{name}/draft',
  tags,
  summary: 'Save code and settings without running them',
  description:
    'Replaces the draft that was saved before; events go on with the current version. What cannot work is saved too: ' +
    '`check` in the answer says what is wrong.',
  ...needs('write'),
  request: { params: newParams, body: bodyOf(HandlerDraftInput) },
  responses: answers(SavedDraft, 'The draft as it is now.'),
});

const get = createRoute({
  method: 'get',
  path: '/handlers/{name}/draft',
  tags,
  summary: 'The draft of a handler',
  ...needs('read'),
  request: { params },
  responses: answers(HandlerDraft, 'The draft.'),
});

const remove = createRoute({
  method: 'delete',
  path: '/handlers/{name}/draft',
  tags,
  summary: 'Throw a draft away',
  ...needs('write'),
  request: { params },
  responses: answers(HandlerDraft, 'What was thrown away.'),
});

const DeployQuery = z.strictObject({
  validate: z.enum(['true', 'false']).default('true').meta({ description: '`false`: deploys the code as it is.' }),
});

const deploy = createRoute({
  method: 'post',
  path: '/handlers/{name}/deploy',
  tags,
  summary: 'Make the draft the current version',
  description:
    'As a push of what the draft holds; the draft is gone then. With `expectedVersion`, 409 `handler_changed` where somebody ' +
    'deployed meanwhile.',
  ...needs('write'),
  request: { params, query: DeployQuery, body: bodyOf(DeployInput) },
  responses: {
    ...answers(PushedAndChecked, 'New events run it.'),
    201: jsonOf(PushedAndChecked, 'The handler is new.'),
  },
});

export function addHandlerDraftRoutes(api: Api, { store, checkCode }: ApiDependencies): void {
  const { db } = store;

  api.openapi(list, async (c) => c.json({ items: await listDrafts(db, c.get('organizationId')), next: null }, 200));

  api.openapi(save, async (c) => {
    const input = c.req.valid('json');
    refuseNoCode(input.code);
    const { name } = c.req.valid('param');
    const draft = await audited(c, (trx) => saveDraft(trx, c.get('organizationId'), name, input));
    const check = await findFaults(checkCode, input.code, { language: input.language, tool: input.settings.tool });
    const missing = await missingSecrets(db, c.get('organizationId'), input.settings.secrets ?? []);
    return c.json({ ...draft, check: withMissingSecrets(check, missing) }, 200);
  });

  api.openapi(get, async (c) => c.json(await getDraft(db, c.get('organizationId'), c.req.valid('param').name), 200));

  api.openapi(remove, async (c) =>
    c.json(await audited(c, (trx) => deleteDraft(trx, c.get('organizationId'), c.req.valid('param').name)), 200),
  );

  api.openapi(deploy, async (c) => {
    const organizationId = c.get('organizationId');
    const draft = await getDraft(db, organizationId, c.req.valid('param').name);
    const { language, code, settings } = draft;
    const checks = c.req.valid('query').validate === 'true';
    const check = checks ? await findFaults(checkCode, code, { language, tool: settings.tool }) : uncheckedCode;
    refuseErrors(check);
    const input = c.req.valid('json');
    const pushed = await audited(
      c,
      (trx) => deployDraft(trx, organizationId, draft, input),
      ({ version, changed, created }) => ({ summary: { version, changed, created } }),
    );
    const missing = await missingSecrets(db, organizationId, settings.secrets ?? []);
    return c.json({ ...pushed, check: withMissingSecrets(check, missing) }, pushed.created ? 201 : 200);
  });
}
