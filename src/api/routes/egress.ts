import { createRoute } from '@hono/zod-openapi';
import { EgressRules } from '../../contract/egress.ts';
import { getEgressRules, setEgressRules } from '../../store/egress-rules.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';

const tags = ['Egress'];

const get = createRoute({
  method: 'get',
  path: '/egress',
  tags,
  summary: 'Where the requests of the organisation’s handlers may go',
  ...needs('read'),
  responses: answers(EgressRules, 'The rules; `{}` where there are none.'),
});

const put = createRoute({
  method: 'put',
  path: '/egress',
  tags,
  summary: 'Set where the requests of the organisation’s handlers may go',
  description:
    'Both lists at once, in place of those there were: a list that is left out is gone. Attempts that begin from now on ' +
    'keep to them. A handler’s own rules, in its settings, can only narrow these.',
  ...needs('admin'),
  request: { body: bodyOf(EgressRules) },
  responses: answers(EgressRules, 'The rules as they are now.'),
});

export function addEgressRoutes(api: Api, { store }: ApiDependencies): void {
  api.openapi(get, async (c) => c.json(await getEgressRules(store.db, c.get('organizationId')), 200));

  api.openapi(put, async (c) => {
    const rules = c.req.valid('json');
    await audited(
      c,
      (trx) => setEgressRules(trx, c.get('organizationId'), rules),
      () => ({ summary: { allow: rules.allow ?? [], deny: rules.deny ?? [] } }),
    );
    return c.json(rules, 200);
  });
}
