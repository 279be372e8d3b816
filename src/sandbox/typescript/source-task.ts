import { z } from 'zod';
import { CodeFinding } from '../../contract/handler.ts';

/** What the thread that reads handlers is asked, one at a time. */
export const SourceTask = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prepare'), code: z.string() }),
  z.object({ kind: z.literal('check'), code: z.string(), helperNames: z.array(z.string()) }),
]);
export type SourceTask = z.infer<typeof SourceTask>;

const PreparedHandler = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('ready'), script: z.string(), linesBefore: z.int() }),
  z.object({
    outcome: z.literal('faulty'),
    reason: z.enum(['syntax_error', 'no_entry_point']),
    type: z.string(),
    message: z.string(),
    traceback: z.string(),
  }),
]);

export const SourceAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prepared'), handler: PreparedHandler }),
  z.object({ kind: z.literal('checked'), findings: z.array(CodeFinding) }),
]);
export type SourceAnswer = z.infer<typeof SourceAnswer>;
