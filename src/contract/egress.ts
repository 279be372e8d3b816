import { z } from 'zod';
import { parseEgressPattern } from '../domain/egress-pattern.ts';
import { limits } from '../domain/limits.ts';

const EgressPattern = z
  .string()
  .max(limits.egressPatternCharacters, `at most ${String(limits.egressPatternCharacters)} characters`)
  .superRefine((text, context) => {
    const parsed = parseEgressPattern(text);
    if ('fault' in parsed) context.addIssue({ code: 'custom', message: `"${text}" ${parsed.fault}` });
  });

const EgressPatterns = z
  .array(EgressPattern)
  .max(limits.egressPatterns, `at most ${String(limits.egressPatterns)} patterns`);

/**
 * Where requests may go: hosts (`api.example.com`, `*.example.com`) and networks (`203.0.113.0/24`), each with a port
 * where only that is meant (`api.example.com:8443`). `deny` wins. Without `allow` all public addresses are allowed; an
 * empty one allows nothing.
 */
export const EgressRules = z
  .strictObject({ allow: EgressPatterns.optional(), deny: EgressPatterns.optional() })
  .meta({ id: 'EgressRules' });
export type EgressRules = z.infer<typeof EgressRules>;
