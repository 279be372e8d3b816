import { z } from 'zod';

/** A function that handlers may call, from its definition. */
export const DescribedHelper = z
  .object({
    name: z.string(),
    summary: z.string(),
    python: z.string().meta({ description: 'Its signature, such as `add_conversation_tag(context, tag)`.' }),
    typescript: z.string().meta({ description: 'Its signature as a method of the second argument.' }),
    effect: z.enum(['read', 'write', 'external']).meta({ description: 'Whether it changes the store or the world.' }),
    inTestRun: z.string().meta({ description: 'What it does in a test run.' }),
    params: z.array(z.object({ name: z.string(), takes: z.string() })),
    returns: z.string(),
    errors: z.array(z.object({ code: z.string(), when: z.string() })),
    notes: z.array(z.string()),
  })
  .meta({ id: 'DescribedHelper' });
export type DescribedHelper = z.infer<typeof DescribedHelper>;

export const DescribedEventType = z
  .object({ name: z.string(), description: z.string() })
  .meta({ id: 'DescribedEventType' });
