import { z } from 'zod';
import { JsonObject } from './json.ts';

export const AuditEntry = z
  .object({
    id: z.string(),
    at: z.string(),
    keyId: z.string().nullable().meta({ description: 'Null: somebody at the machine itself.' }),
    who: z.string().meta({ description: 'The name of the key then; `operator` for somebody at the machine.' }),
    action: z.string().meta({ description: 'What was done, such as `handlers.enable`.' }),
    object: z.string().meta({ description: 'To what: a name or an id; empty where there is one only.' }),
    requestId: z.string().nullable(),
    summary: JsonObject.meta({ description: 'What changed, without secrets.' }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof AuditEntry>;
