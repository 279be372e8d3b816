import { z } from 'zod';
import { ExecutionStatus } from './execution.ts';
import { Handler } from './handler.ts';

export const ListedHandler = Handler.extend({
  draft: z
    .object({ baseVersion: z.number().int().nullable(), updatedAt: z.string() })
    .nullable()
    .meta({ description: 'Saved and not deployed; null where there is none.' }),
  lastExecution: z
    .object({
      id: z.string(),
      status: ExecutionStatus,
      queuedAt: z.string(),
      finishedAt: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'The newest one that was no test run.' }),
}).meta({ id: 'ListedHandler' });
export type ListedHandler = z.infer<typeof ListedHandler>;
