import { createRoute, z } from '@hono/zod-openapi';
import { CreatedApiKey, OrganizationKeyInput } from '../../contract/api-key.ts';
import { Organization, OrganizationInput } from '../../contract/organization.ts';
import { createApiKey, getApiKey } from '../../store/api-keys.ts';
import { writeAudit } from '../../store/audit.ts';
import { createOrganization, getOrganization, listOrganizations } from '../../store/organizations.ts';
import { inTransaction } from '../../store/transaction.ts';
import { audited, entryOf, nothingChanged } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery } from '../lists.ts';
import { answers, bodyOf, jsonOf, needs, orProblem } from '../route-parts.ts';

const tags = ['Organization'];

const getOwn = createRoute({
  method: 'get',
  path: '/organization',
  tags,
  summary: 'The organisation that the key belongs to',
  ...needs('read'),
  responses: answers(Organization, 'The organisation.'),
});

const create = createRoute({
  method: 'post',
  path: '/organizations',
  tags,
  summary: 'Make an organisation',
  description: 'For the operator. It has no key yet: make its first by POST /organizations/{id}/api-keys.',
  ...needs('operator'),
  request: { body: bodyOf(OrganizationInput) },
  responses: { 201: jsonOf(Organization, 'It is new.'), ...orProblem },
});

const list = createRoute({
  method: 'get',
  path: '/organizations',
  tags,
  summary: 'List all organisations',
  description: 'For the operator.',
  ...needs('operator'),
  request: {
    query: z.strictObject({
      limit: PageQuery.shape.limit,
      after: z.string().max(63).optional().meta({ description: 'Where to go on: the `next` of the answer before.' }),
    }),
  },
  responses: answers(listOf(Organization, 'OrganizationList'), 'A page of them, by id.'),
});

const createKey = createRoute({
  method: 'post',
  path: '/organizations/{id}/api-keys',
  tags,
  summary: 'Make a key for an organisation',
  description: 'For the operator: the first key of a new organisation, or one for people who have lost all of theirs.',
  ...needs('operator'),
  request: { params: z.object({ id: z.string() }), body: bodyOf(OrganizationKeyInput) },
  responses: { 201: jsonOf(CreatedApiKey, 'The key: it is shown this once.'), ...orProblem },
});

export function addOrganizationRoute(api: Api, { store: { db } }: ApiDependencies): void {
  api.openapi(getOwn, async (c) => c.json(await getOrganization(db, c.get('organizationId')), 200));

  api.openapi(create, async (c) => {
    const organization = c.req.valid('json');
    const tell = () => ({ object: organization.id, summary: { name: organization.name } });
    await audited(c, (trx) => createOrganization(trx, organization), tell);
    return c.json(organization, 201);
  });

  api.openapi(list, async (c) => {
    const { limit, after } = c.req.valid('query');
    const found = await listOrganizations(db, { limit: limit + 1, after });
    const items = found.slice(0, limit);
    return c.json({ items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
  });

  api.openapi(createKey, async (c) => {
    const { id } = c.req.valid('param');
    const { name, scopes, expiresAt, rateLimit = null } = c.req.valid('json');
    const created = await inTransaction(db, async (trx) => {
      const options = { scopes, rateLimit, expiresAt: expiresAt === undefined ? null : new Date(expiresAt) };
      const made = await createApiKey(trx, id, name, options);
      // In the log of that organisation: it is their key.
      await writeAudit(trx, id, { ...entryOf(c, { object: made.id, summary: { name, scopes } }), who: 'operator' });
      return { ...(await getApiKey(trx, id, made.id)), key: made.key };
    });
    nothingChanged(c);
    return c.json(created, 201);
  });
}
