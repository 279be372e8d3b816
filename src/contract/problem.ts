import { z } from 'zod';

/** Every error answer of the API: problem details of RFC 9457, and what the error table adds. */
export const Problem = z
  .object({
    type: z.string().meta({ description: 'urn:afterword:error:<code>' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What went wrong here, for people.' }),
    code: z.string().meta({ description: 'Stable, for programs; docs/errors.md lists them.' }),
    mend: z.string().meta({ description: 'What the reader can do about it.' }),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .meta({ description: 'Which fields are wrong; empty where the fault is not in a field.' }),
    requestId: z.string().meta({ description: 'The same as in the header X-Request-Id and in the log.' }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;
