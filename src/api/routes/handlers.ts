import { createRoute, z } from '@hono/zod-openapi';
import {
  CheckedCode,
  CodeToCheck,
  Handler,
  HandlerName,
  HandlerPush,
  HandlerWithCode,
  PushedAndChecked,
} from '../../contract/handler.ts';
import { ListedHandler } from '../../contract/handler-list.ts';
import { getHandler, listHandlers, pushHandler, rollbackHandler, setHandlerEnabled } from '../../store/handlers.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { missingSecrets } from '../../store/secrets.ts';
import { findFaults, refuseErrors, refuseNoCode, uncheckedCode, withMissingSecrets } from '../handler-code.ts';
import { listOf } from '../lists.ts';
import { answers, bodyOf, jsonOf, orProblem, needs } from '../route-parts.ts';
import { invalidRequest } from '../../contract/field-errors.ts';

const tags = ['Handlers'];
const params = z.object({ name: z.string().meta({ description: 'Name or id of a handler.' }) });

/** The name stands in the path already; where it is sent too it must be the same. */
const PushBody = HandlerPush.partial({ name: true }).meta({ id: 'HandlerPushBody' });

const PushQuery = z.strictObject({
  validate: z.enum(['true', 'false']).default('true').meta({ description: '`false`: takes the code as it is.' }),
});

const validate = createRoute({
  method: 'post',
  path: '/handlers/validate',
  tags,
  summary: 'Check code without running or saving it',
  description: 'Syntax, entry point and names, as a push checks them. What is found is the answer, not an error.',
  ...needs('write', { changesNothing: true }),
  request: { body: bodyOf(CodeToCheck) },
  responses: answers(CheckedCode, 'What was found.'),
});

const list = createRoute({
  method: 'get',
  path: '/handlers',
  tags,
  summary: 'List handlers',
  ...needs('read'),
  responses: answers(listOf(ListedHandler, 'HandlerList'), 'All of them, by name.'),
});

const push = createRoute({
  method: 'put',
  path: '/handlers/{name}',
  tags,
  summary: 'Push a handler',
  description:
    'Makes a new version when code or settings changed. Events that were accepted before keep their version. The code is ' +
    'checked without running it, and refused where it cannot work; `check` in the answer holds the warnings.',
  ...needs('write'),
  request: { params: z.object({ name: HandlerName }), query: PushQuery, body: bodyOf(PushBody) },
  responses: {
    ...answers(PushedAndChecked, 'The handler was known.'),
    201: jsonOf(PushedAndChecked, 'The handler is new.'),
  },
});

const get = createRoute({
  method: 'get',
  path: '/handlers/{name}',
  tags,
  summary: 'One handler with its current code',
  ...needs('read'),
  request: { params },
  responses: answers(HandlerWithCode, 'The handler.'),
});

const enable = createRoute({
  method: 'post',
  path: '/handlers/{name}/enable',
  tags,
  summary: 'Switch a handler on',
  ...needs('write'),
  request: { params },
  responses: answers(Handler, 'The handler, which runs for events from now on.'),
});

const disable = createRoute({
  method: 'post',
  path: '/handlers/{name}/disable',
  tags,
  summary: 'Switch a handler off',
  ...needs('write'),
  request: { params },
  responses: answers(Handler, 'The handler, which runs for no further events.'),
});

const rollback = createRoute({
  method: 'post',
  path: '/handlers/{name}/rollback',
  tags,
  summary: 'Make an older version the current one',
  ...needs('write'),
  request: { params, body: bodyOf(z.strictObject({ version: z.number().int().min(1).max(2_147_483_647) })) },
  responses: { 200: jsonOf(Handler, 'The handler, which runs that version for events from now on.'), ...orProblem },
});

export function addHandlerRoutes(api: Api, { store, checkCode }: ApiDependencies): void {
  const { db } = store;

  api.openapi(list, async (c) => c.json({ items: await listHandlers(db, c.get('organizationId')), next: null }, 200));

  api.openapi(validate, async (c) => {
    const { code, ...settings } = c.req.valid('json');
    refuseNoCode(code);
    return c.json(await findFaults(checkCode, code, settings), 200);
  });

  api.openapi(push, async (c) => {
    const { name } = c.req.valid('param');
    const body = c.req.valid('json');
    if (body.name !== undefined && body.name !== name) {
      throw invalidRequest([{ field: 'name', message: `is not the name in the path, "${name}"` }], 'body');
    }
    refuseNoCode(body.code);
    const check =
      c.req.valid('query').validate === 'true'
        ? await findFaults(checkCode, body.code, { language: body.language, tool: body.settings.tool })
        : uncheckedCode;
    refuseErrors(check);
    const pushed = await audited(
      c,
      (trx) => pushHandler(trx, c.get('organizationId'), { ...body, name }),
      ({ version, changed, created }) => ({ summary: { version, changed, created } }),
    );
    const missing = await missingSecrets(db, c.get('organizationId'), body.settings.secrets ?? []);
    return c.json({ ...pushed, check: withMissingSecrets(check, missing) }, pushed.created ? 201 : 200);
  });

  api.openapi(get, async (c) => c.json(await getHandler(db, c.get('organizationId'), c.req.valid('param').name), 200));

  api.openapi(enable, async (c) => {
    const { name } = c.req.valid('param');
    return c.json(await audited(c, (trx) => setHandlerEnabled(trx, c.get('organizationId'), name, true)), 200);
  });

  api.openapi(disable, async (c) => {
    const { name } = c.req.valid('param');
    return c.json(await audited(c, (trx) => setHandlerEnabled(trx, c.get('organizationId'), name, false)), 200);
  });

  api.openapi(rollback, async (c) => {
    const { name } = c.req.valid('param');
    const { version } = c.req.valid('json');
    const rolledBack = await audited(
      c,
      (trx) => rollbackHandler(trx, c.get('organizationId'), name, version),
      () => ({ summary: { version } }),
    );
    return c.json(rolledBack, 200);
  });
}
