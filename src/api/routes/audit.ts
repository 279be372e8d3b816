import { createRoute, z } from '@hono/zod-openapi';
import { AuditEntry } from '../../contract/audit.ts';
import { listAudit } from '../../store/audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import { answers, needs } from '../route-parts.ts';

const Time = z.iso.datetime({ offset: true }).optional();

const AuditQuery = PageQuery.extend({
  action: z.string().min(1).max(200).optional().meta({ description: 'Such as `handlers.enable`.' }),
  object: z.string().min(1).max(500).optional().meta({ description: 'Name or id of what was changed.' }),
  key: z.uuid().optional().meta({ description: 'Id of the API key.' }),
  from: Time.meta({ description: 'Not before.' }),
  to: Time.meta({ description: 'Not after.' }),
});

const list = createRoute({
  method: 'get',
  path: '/audit',
  tags: ['Audit'],
  summary: 'What was changed, by whom and when, newest first',
  ...needs('admin'),
  request: { query: AuditQuery },
  responses: answers(listOf(AuditEntry, 'AuditEntryList'), 'A page of entries.'),
});

export function addAuditRoute(api: Api, { store: { db } }: ApiDependencies): void {
  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    const { limit, before, action, object, key, from, to } = c.req.valid('query');
    const wanted = {
      ...(action === undefined ? {} : { action }),
      ...(object === undefined ? {} : { object }),
      ...(key === undefined ? {} : { key }),
      ...(from === undefined ? {} : { from: new Date(from) }),
      ...(to === undefined ? {} : { to: new Date(to) }),
    };
    const page = { limit, before };
    return c.json(await pageOf(page, (at) => listAudit(db, organizationId, { ...at, ...wanted })), 200);
  });
}
