import { join } from 'node:path';
import { z } from 'zod';
import { ApiKeyInput, type CreatedApiKey } from '../contract/api-key.ts';
import { invalidRequest, toFieldErrors } from '../contract/field-errors.ts';
import { AfterwordError } from '../domain/errors.ts';
import { scopes } from '../domain/scopes.ts';
import type { CliEnvironment } from './environment.ts';

const Input = ApiKeyInput.extend({ scopes: z.array(z.enum(scopes)).min(1) });

/** For whoever may write to the database: the first key, a lost one, the operator's. In the audit log it is `operator`. */
export async function createKeyAtMachine(
  environment: CliEnvironment,
  { organization, ...given }: { readonly organization?: string | undefined } & Record<string, unknown>,
): Promise<CreatedApiKey> {
  const parsed = Input.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap((issue) => toFieldErrors(issue));
    throw invalidRequest(faults, 'command line');
  }
  const { name, scopes: granted, expiresAt, rateLimit = null } = parsed.data;
  const { databaseUrl, home, organization: own } = environment.loadConfig();
  if (databaseUrl === undefined) {
    throw new AfterwordError('bad_configuration', 'DATABASE_URL is not set: --at-machine writes into that database.');
  }
  const organizationId = organization ?? own;
  const [{ openStore }, { createApiKey, getApiKey }, { writeAudit }] = await Promise.all([
    import('../store/database.ts'),
    import('../store/api-keys.ts'),
    import('../store/audit.ts'),
  ]);
  const store = await openStore({ databaseUrl, embeddedFolder: join(home, 'store'), poolSize: 1 });
  try {
    return await store.db.transaction().execute(async (trx) => {
      const until = expiresAt === undefined ? null : new Date(expiresAt);
      const options = { scopes: granted, expiresAt: until, rateLimit };
      const { id, key } = await createApiKey(trx, organizationId, name, options);
      const by = { keyId: null, who: 'operator', requestId: null };
      await writeAudit(trx, organizationId, {
        ...by,
        action: 'api-keys.create',
        object: id,
        summary: { name, scopes: granted, atMachine: true },
      });
      return { ...(await getApiKey(trx, organizationId, id)), key };
    });
  } finally {
    await store.close();
  }
}
