import { createRoute, z } from '@hono/zod-openapi';
import { AfterwordError } from '../../domain/errors.ts';
import { listOrganizations } from '../../store/organizations.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { answers, needs } from '../route-parts.ts';

const Organization = z.object({ id: z.string(), name: z.string() }).meta({ id: 'Organization' });

const getOrganization = createRoute({
  method: 'get',
  path: '/organization',
  tags: ['Organization'],
  summary: 'The organisation that the key belongs to',
  ...needs('read'),
  responses: answers(Organization, 'The organisation.'),
});

export function addOrganizationRoute(api: Api, { store }: ApiDependencies): void {
  api.openapi(getOrganization, async (c) => {
    const organizationId = c.get('organizationId');
    const found = (await listOrganizations(store.db)).find(({ id }) => id === organizationId);
    if (found === undefined) throw new AfterwordError('not_found', `There is no organisation "${organizationId}".`);
    return c.json({ id: found.id, name: found.name }, 200);
  });
}
