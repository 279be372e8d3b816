import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { notTakenReasons } from '../domain/rerun-set.ts';
import { ExecutionFilter } from './execution-filter.ts';
import { Problem } from './problem.ts';

export const RerunInput = z
  .strictObject({
    version: z
      .enum(['same', 'newest'])
      .default('same')
      .meta({ description: 'Which version of the handler: the one that ran, or the one that is current now.' }),
    fresh: z
      .boolean()
      .default(false)
      .meta({
        description:
          'False: what was answered before is answered from the record, and only what is missing is done. True: ' +
          'everything is done again, effects included.',
      }),
  })
  .meta({ id: 'RerunInput' });
export type RerunInput = z.infer<typeof RerunInput>;

export const StartedRerun = z
  .object({
    executionId: z.string(),
    workflowId: z.string(),
    rerunOf: z.string().meta({ description: 'The execution that it runs again.' }),
    handlerVersion: z.number().int(),
    fresh: z.boolean(),
    answersFrom: z
      .array(z.string())
      .meta({ description: 'Executions whose record answers it, oldest first; empty where it is fresh.' }),
  })
  .meta({ id: 'StartedRerun' });
export type StartedRerun = z.infer<typeof StartedRerun>;

export const RerunSetInput = z
  .strictObject({
    filter: ExecutionFilter.refine((filter) => Object.values(filter).some((value) => value !== undefined), {
      message: 'expected at least one condition',
    }).meta({ description: 'Those of the list, GET /executions; at least one.' }),
    ...RerunInput.shape,
    dryRun: z.boolean().default(false).meta({ description: 'Only says what would be run again.' }),
    ratePerMinute: z
      .number()
      .int()
      .min(1)
      .max(limits.rerunsPerMinute)
      .default(limits.defaultRerunsPerMinute)
      .meta({ description: 'How many start in a minute.' }),
  })
  .meta({ id: 'RerunSetInput' });
export type RerunSetInput = z.infer<typeof RerunSetInput>;

export const StartedRerunSet = z
  .object({
    dryRun: z.boolean(),
    matched: z.number().int().meta({ description: 'Executions that the filter matches.' }),
    taken: z.number().int().meta({ description: 'Of these, those that are run again.' }),
    notTaken: z
      .array(
        z.object({
          reason: z.enum(notTakenReasons),
          count: z.number().int(),
          examples: z.array(z.string()).meta({ description: 'Ids of some of them.' }),
        }),
      )
      .meta({ description: 'The others, by reason.' }),
    items: z
      .array(z.object({ executionId: z.string(), rerunOf: z.string(), startsAt: z.string() }))
      .meta({ description: 'The new executions in the order of their starts; none of a dry run.' }),
  })
  .meta({ id: 'StartedRerunSet' });
export type StartedRerunSet = z.infer<typeof StartedRerunSet>;

export const StartedReruns = z
  .object({
    items: z.array(StartedRerun),
    refused: z
      .array(z.object({ executionId: z.string(), problem: Problem }))
      .meta({ description: 'Executions that could not be run again, and why.' }),
  })
  .meta({ id: 'StartedReruns' });
export type StartedReruns = z.infer<typeof StartedReruns>;
