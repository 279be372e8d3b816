import { createRoute, z } from '@hono/zod-openapi';
import { DeadLetter, ResendInput, Resent } from '../../contract/dead-letter.ts';
import { listDeadLetters, resendDeadLetters } from '../../store/dead-letters.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, pageOf, PageQuery } from '../lists.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';

const tags = ['Sinks'];

const DeadLetterQuery = z.strictObject({
  limit: PageQuery.shape.limit,
  before: z
    .string()
    .regex(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.[^\0]{1,200}$/u, 'the cursor of a list')
    .optional()
    .meta({ description: 'Where to go on: the `next` of the answer before.' }),
  sink: z.string().min(1).max(200).optional().meta({ description: 'Id of a sink.' }),
});

const list = createRoute({
  method: 'get',
  path: '/analytics/dead-letters',
  tags,
  summary: 'What sinks never took',
  description: 'Analytics events that a sink refused, or that it did not take for 24 hours; of the newest event first.',
  ...needs('read'),
  request: { query: DeadLetterQuery },
  responses: answers(listOf(DeadLetter, 'DeadLetterList'), 'A page of them.'),
});

const resend = createRoute({
  method: 'post',
  path: '/analytics/dead-letters/resend',
  tags,
  summary: 'Send dead letters again',
  description:
    'Some, those of one sink, or all. They have 24 hours again, and go out under the same event ids. Those of deleted sinks stay.',
  ...needs('admin', { starts: true }),
  request: { body: bodyOf(ResendInput) },
  responses: answers(Resent, 'How many wait to be sent again.'),
});

export function addDeadLetterRoutes(api: Api, { store: { db }, redeliverSoon }: ApiDependencies): void {
  api.openapi(list, async (c) => {
    const { sink, limit, before } = c.req.valid('query');
    const find = (at: { limit: number; before?: string }) =>
      listDeadLetters(db, c.get('organizationId'), { ...at, ...(sink === undefined ? {} : { sink }) });
    return c.json(await pageOf({ limit, before }, find), 200);
  });

  api.openapi(resend, async (c) => {
    const input = c.req.valid('json');
    const resent = await audited(
      c,
      (trx) => resendDeadLetters(trx, c.get('organizationId'), input),
      (count) => ({ summary: { ...(input.sink === undefined ? {} : { sink: input.sink }), resent: count } }),
    );
    if (resent > 0) await redeliverSoon();
    return c.json({ resent }, 200);
  });
}
