import { createRoute, z } from '@hono/zod-openapi';
import { Secret, SecretInput, SecretName } from '../../contract/secret.ts';
import { deleteSecret, listSecrets, putSecret } from '../../store/secrets.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf } from '../lists.ts';
import { answers, bodyOf, jsonOf, needs } from '../route-parts.ts';

const tags = ['Secrets'];
const params = z.object({ name: SecretName });

const list = createRoute({
  method: 'get',
  path: '/secrets',
  tags,
  summary: 'List secrets, without their values',
  ...needs('read'),
  responses: answers(listOf(Secret, 'SecretList'), 'All of them, by name.'),
});

const put = createRoute({
  method: 'put',
  path: '/secrets/{name}',
  tags,
  summary: 'Set a secret',
  description:
    'Sealed before it is stored, and never shown again. Handlers whose settings grant it find the new value from their next attempt on.',
  ...needs('admin'),
  request: { params, body: bodyOf(SecretInput) },
  responses: { ...answers(Secret, 'It was known and has the new value.'), 201: jsonOf(Secret, 'It is new.') },
});

const remove = createRoute({
  method: 'delete',
  path: '/secrets/{name}',
  tags,
  summary: 'Delete a secret',
  description: 'Executions of handlers that are granted it fail from now on.',
  ...needs('admin'),
  request: { params },
  responses: answers(Secret, 'What it was.'),
});

export function addSecretRoutes(api: Api, { store: { db }, keys }: ApiDependencies): void {
  api.openapi(list, async (c) => c.json({ items: await listSecrets(db, c.get('organizationId')), next: null }, 200));

  api.openapi(put, async (c) => {
    const organizationId = c.get('organizationId');
    const { name } = c.req.valid('param');
    const sealed = keys.seal(c.req.valid('json').value, ['secret', organizationId, name]);
    const { secret, created } = await audited(
      c,
      (trx) => putSecret(trx, organizationId, name, sealed),
      ({ created: isNew }) => ({ summary: { created: isNew } }),
    );
    return c.json(secret, created ? 201 : 200);
  });

  api.openapi(remove, async (c) => {
    const { name } = c.req.valid('param');
    return c.json(await audited(c, (trx) => deleteSecret(trx, c.get('organizationId'), name)), 200);
  });
}
