import { z } from 'zod';
import { limits } from '../domain/limits.ts';

export const Organization = z.object({ id: z.string(), name: z.string() }).meta({ id: 'Organization' });
export type Organization = z.infer<typeof Organization>;

export const OrganizationInput = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a slug: lower-case letters, digits and "-", at most 63')
      .meta({ description: 'Chosen once: it stands in the ids of workflows.' }),
    name: z.string().trim().min(1).max(limits.organizationNameCharacters),
  })
  .meta({ id: 'OrganizationInput' });
