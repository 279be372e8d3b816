import { z } from 'zod';
import { executionStatuses } from '../domain/status.ts';
import { limits } from '../domain/limits.ts';
import { Timestamp } from './conversation.ts';
import { ExecutionKind, ExecutionStatus, FailureReason } from './execution.ts';

const text = z.string().min(1).max(limits.idCharacters);

const Statuses = z
  .union([ExecutionStatus, z.array(ExecutionStatus).min(1).max(executionStatuses.length)])
  .transform((given) => (typeof given === 'string' ? [given] : given))
  .meta({ description: 'One or several: those that have one of them.' });

/** Of which executions one speaks; what is left out leaves nothing out. Several are ANDed. */
const fields = {
  status: Statuses.optional(),
  reason: FailureReason.optional(),
  kind: ExecutionKind.optional().meta({ description: 'Left out: all but test runs.' }),
  handler: text.optional().meta({ description: 'Name or id of a handler; a deleted one too.' }),
  eventType: text.optional(),
  event: z.uuid().optional().meta({ description: 'Id of a conversation event.' }),
  conversation: text.optional().meta({ description: 'Id or public id of a conversation.' }),
  from: Timestamp.optional().meta({ description: 'Queued at this time or later.' }),
  to: Timestamp.optional().meta({ description: 'Queued before this time.' }),
  error: z
    .string()
    .min(1)
    .max(limits.searchedErrorCharacters)
    .optional()
    .meta({ description: 'Text in type or message of the error, in whatever case.' }),
};

export const ExecutionFilterQuery = z.strictObject({
  ...fields,
  failed: z
    .enum(['true', 'false'])
    .transform((given) => given === 'true' || undefined)
    .optional()
    .meta({ type: 'string', description: '`true`: only those that failed or timed out.' }),
});

export const ExecutionFilter = z
  .strictObject({
    ...fields,
    failed: z.literal(true).optional().meta({ description: 'Only those that failed or timed out.' }),
  })
  .meta({ id: 'ExecutionFilter' });
export type ExecutionFilter = z.infer<typeof ExecutionFilter>;
