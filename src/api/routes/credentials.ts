import { createPrivateKey } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import {
  GoogleCredentials,
  GoogleCredentialsInput,
  LlmCredentials,
  LlmCredentialsInput,
  type ServiceAccountKey,
  type StoredLlmCredentials,
} from '../../contract/credentials.ts';
import { invalidRequest } from '../../contract/field-errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import {
  deleteCredentials,
  getCredentials,
  putCredentials,
  type CredentialsKind,
  type ShownCredentials,
} from '../../store/credentials.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import type { ApiContext } from '../problems.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';

const tags = ['Credentials'];
const llm = { path: '/credentials/llm' as const, tags, ...needs('admin') };
const google = { path: '/credentials/google' as const, tags, ...needs('admin') };

const sealed = 'Sealed before it is stored, and never shown again. Calls of helpers from now on use it.';

const putLlm = createRoute({
  ...llm,
  method: 'put',
  summary: 'Set with which key, where and which LLM helpers ask for this organisation',
  description: `${sealed} A \`baseUrl\` is reached as requests of handlers are: at public addresses only.`,
  request: { body: bodyOf(LlmCredentialsInput) },
  responses: answers(LlmCredentials, 'As they are now.'),
});

const getLlm = createRoute({
  ...llm,
  method: 'get',
  summary: 'The LLM credentials of the organisation, without the key',
  responses: answers(LlmCredentials, 'What tells them apart.'),
});

const deleteLlm = createRoute({
  ...llm,
  method: 'delete',
  summary: 'Delete the LLM credentials of the organisation',
  responses: answers(LlmCredentials, 'What they were.'),
});

const putGoogle = createRoute({
  ...google,
  method: 'put',
  summary: 'Set the Google service account that writes rows for this organisation',
  description: sealed,
  request: { body: bodyOf(GoogleCredentialsInput) },
  responses: answers(GoogleCredentials, 'As they are now.'),
});

const getGoogle = createRoute({
  ...google,
  method: 'get',
  summary: 'The Google credentials of the organisation, without the key',
  responses: answers(GoogleCredentials, 'What tells them apart.'),
});

const deleteGoogle = createRoute({
  ...google,
  method: 'delete',
  summary: 'Delete the Google credentials of the organisation',
  responses: answers(GoogleCredentials, 'What they were.'),
});

export function addCredentialsRoutes(api: Api, { store: { db }, keys }: ApiDependencies): void {
  async function put(
    c: ApiContext,
    kind: CredentialsKind,
    secret: object,
    shown: JsonObject,
  ): Promise<ShownCredentials> {
    const organizationId = c.get('organizationId');
    const text = keys.seal(JSON.stringify(secret), ['organization credentials', organizationId, kind]);
    const values = { sealed: text, shown: JSON.stringify(shown) };
    return await audited(
      c,
      (trx) => putCredentials(trx, organizationId, kind, values),
      () => ({ object: kind, summary: shown }),
    );
  }

  async function remove(c: ApiContext, kind: CredentialsKind): Promise<ShownCredentials> {
    const deleted = (db: typeof c.var.services.db) => deleteCredentials(db, c.get('organizationId'), kind);
    return await audited(c, deleted, () => ({ object: kind }));
  }

  const shownOf = (c: ApiContext, kind: CredentialsKind) => getCredentials(db, c.get('organizationId'), kind);

  api.openapi(putLlm, async (c) => {
    const { apiKey, baseUrl = null, model = null, api: protocol } = c.req.valid('json');
    const secret: StoredLlmCredentials = { apiKey, baseUrl, model, api: protocol };
    const shown = { apiKeyEnd: apiKey.slice(-4), baseUrl, model, api: protocol };
    return c.json(toLlm(await put(c, 'llm', secret, shown)), 200);
  });

  api.openapi(getLlm, async (c) => c.json(toLlm(await shownOf(c, 'llm')), 200));

  api.openapi(deleteLlm, async (c) => c.json(toLlm(await remove(c, 'llm')), 200));

  api.openapi(putGoogle, async (c) => {
    const { type, client_email, private_key } = c.req.valid('json');
    requirePrivateKey(private_key);
    const secret: ServiceAccountKey = { type, client_email, private_key };
    return c.json(toGoogle(await put(c, 'google', secret, { clientEmail: client_email })), 200);
  });

  api.openapi(getGoogle, async (c) => c.json(toGoogle(await shownOf(c, 'google')), 200));

  api.openapi(deleteGoogle, async (c) => c.json(toGoogle(await remove(c, 'google')), 200));
}

function requirePrivateKey(pem: string): void {
  try {
    createPrivateKey(pem);
  } catch {
    throw invalidRequest([{ field: 'private_key', message: 'cannot be read as a private key' }], 'body');
  }
}

function toLlm({ shown, createdAt, updatedAt }: ShownCredentials): LlmCredentials {
  return LlmCredentials.parse({ ...Object(JSON.parse(shown)), createdAt, updatedAt });
}

function toGoogle({ shown, createdAt, updatedAt }: ShownCredentials): GoogleCredentials {
  return GoogleCredentials.parse({ ...Object(JSON.parse(shown)), createdAt, updatedAt });
}
