import { createRoute, z } from '@hono/zod-openapi';
import { ApiKey, ApiKeyInput, CreatedApiKey } from '../../contract/api-key.ts';
import { createApiKey, getApiKey, keyNotFound, listApiKeys } from '../../store/api-keys.ts';
import { revokeApiKey } from '../../store/revoke-api-key.ts';
import { isUuid } from '../../store/uuid-text.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import { answers, bodyOf, jsonOf, needs, orProblem } from '../route-parts.ts';

const tags = ['API keys'];

const create = createRoute({
  method: 'post',
  path: '/api-keys',
  tags,
  summary: 'Make an API key',
  ...needs('admin'),
  request: { body: bodyOf(ApiKeyInput) },
  responses: { 201: jsonOf(CreatedApiKey, 'The key: it is shown this once.'), ...orProblem },
});

const list = createRoute({
  method: 'get',
  path: '/api-keys',
  tags,
  summary: 'List API keys, newest first',
  description: 'Without the keys themselves; revoked and expired ones too.',
  ...needs('admin'),
  request: { query: PageQuery },
  responses: answers(listOf(ApiKey, 'ApiKeyList'), 'A page of keys.'),
});

const revoke = createRoute({
  method: 'delete',
  path: '/api-keys/{id}',
  tags,
  summary: 'Revoke an API key',
  description:
    'It works no more: at once on this server, within three seconds on others. The last key with the scope `admin` ' +
    'cannot be revoked.',
  ...needs('admin'),
  request: { params: z.object({ id: z.string() }) },
  responses: answers(ApiKey, 'As it is now.'),
});

export function addApiKeyRoutes(api: Api, { store: { db }, knownKeys }: ApiDependencies): void {
  api.openapi(create, async (c) => {
    const organizationId = c.get('organizationId');
    const { name, scopes, expiresAt, rateLimit = null } = c.req.valid('json');
    const created = await audited(
      c,
      async (trx) => {
        const options = { scopes, rateLimit, expiresAt: expiresAt === undefined ? null : new Date(expiresAt) };
        const { id, key } = await createApiKey(trx, organizationId, name, options);
        return { ...(await getApiKey(trx, organizationId, id)), key };
      },
      ({ id, expiresAt: until }) => ({ object: id, summary: { name, scopes, expiresAt: until, rateLimit } }),
    );
    return c.json(created, 201);
  });

  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    return c.json(await pageOf(c.req.valid('query'), (page) => listApiKeys(db, organizationId, page)), 200);
  });

  api.openapi(revoke, async (c) => {
    const { id } = c.req.valid('param');
    if (!isUuid(id)) throw keyNotFound(id);
    const revoked = await audited(
      c,
      (trx) => revokeApiKey(trx, c.get('organizationId'), id),
      ({ name, prefix }) => ({ summary: { name, prefix } }),
    );
    knownKeys.forget(id);
    return c.json(revoked, 200);
  });
}
