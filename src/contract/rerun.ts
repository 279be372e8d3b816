import { z } from 'zod';

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
