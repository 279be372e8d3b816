import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { organizationScopes, scopes } from '../domain/scopes.ts';

export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'Its first characters.' }),
    scopes: z.array(z.enum(scopes)),
    rateLimit: z.number().int().nullable().meta({ description: 'Requests a second; null: what the server allows.' }),
    createdAt: z.string(),
    expiresAt: z.string().nullable(),
    lastUsedAt: z.string().nullable().meta({ description: 'To the minute.' }),
    revokedAt: z.string().nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof ApiKey>;

export const CreatedApiKey = ApiKey.extend({
  key: z.string().meta({ description: 'The key itself: shown here and never again.' }),
}).meta({ id: 'CreatedApiKey' });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;

const keyFields = {
  name: z.string().trim().min(1).max(limits.apiKeyNameCharacters),
  expiresAt: z.iso
    .datetime({ offset: true })
    .refine((text) => Date.parse(text) > Date.now(), 'lies in the past')
    .refine((text) => Date.parse(text) <= Date.parse('9999-12-31T23:59:59Z'), 'must lie before the year 10000')
    .optional()
    .meta({ description: 'Left out: never.' }),
  rateLimit: z.int().min(1).max(limits.keyRequestsPerSecond).optional().meta({
    description: 'Requests a second; left out: what the server allows each key.',
  }),
};

const granted = z.array(z.enum(organizationScopes)).min(1).max(organizationScopes.length);
const scopesMeta = { description: '`admin` holds all the others, `write` holds `read`.' };

export const ApiKeyInput = z
  .strictObject({ ...keyFields, scopes: granted.meta(scopesMeta) })
  .meta({ id: 'ApiKeyInput' });

/** What the operator makes for an organisation. */
export const OrganizationKeyInput = z
  .strictObject({ ...keyFields, scopes: granted.default(['admin']).meta(scopesMeta) })
  .meta({ id: 'OrganizationKeyInput' });
