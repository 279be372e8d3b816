import type { Config } from './config/config.ts';
import { ServiceAccountKey, StoredLlmCredentials } from './contract/credentials.ts';
import { AfterwordError } from './domain/errors.ts';
import { createSheets } from './google/create-sheets.ts';
import { createHelperServices } from './helper-services.ts';
import type { HelperServices, Llm, ServicesOf, Sheets } from './helpers/services.ts';
import { createLlm } from './llm/create-llm.ts';
import { createGatewayFetch } from './sandbox/http-gateway/gateway-fetch.ts';
import type { HttpGateway } from './sandbox/http-gateway/gateway.ts';
import type { Keyring } from './secrets/keyring.ts';
import { sealedCredentials, type CredentialsKind } from './store/credentials.ts';
import type { Store } from './store/database.ts';

export interface OrganizationServicesOptions {
  readonly store: Store;
  readonly keys: Keyring;
  readonly config: Pick<Config, 'llm' | 'google' | 'organization' | 'sharedCredentials'>;
}

/** Organisations whose clients are kept. */
const clientsKept = 200;

/**
 * What helpers ask outside, for each organisation with its own credentials. They are looked up at each call, so a change holds
 * from the next one on. Those of the configuration are used for the configuration's own organisation alone, unless it
 * shares them. Throws `bad_configuration` for a key of the configuration that cannot be read.
 */
export function openOrganizationServices(options: OrganizationServicesOptions): (gateway: HttpGateway) => ServicesOf {
  const { store, keys, config } = options;
  const configured = createHelperServices(config);
  return (gateway) => {
    const llms = new Kept<Llm>();
    const accounts = new Kept<Sheets>();

    function opened(organizationId: string, kind: CredentialsKind, sealed: string): unknown {
      return JSON.parse(keys.open(sealed, ['organization credentials', organizationId, kind]));
    }

    async function llmOf(organizationId: string): Promise<Llm> {
      const sealed = await sealedCredentials(store.db, organizationId, 'llm');
      if (sealed === undefined) return usesConfigured(config, organizationId) ? configured.llm : noLlm;
      return llms.get(organizationId, sealed, () => {
        const { apiKey, baseUrl, model, api } = StoredLlmCredentials.parse(opened(organizationId, 'llm', sealed));
        const wanted = model ?? config.llm.model;
        if (wanted === undefined) return noModel;
        const fetch = createGatewayFetch(gateway, organizationId);
        return createLlm({ apiKey, baseUrl: baseUrl ?? undefined, model: wanted, api, fetch });
      });
    }

    async function sheetsOf(organizationId: string): Promise<Sheets> {
      const sealed = await sealedCredentials(store.db, organizationId, 'google');
      if (sealed === undefined) return usesConfigured(config, organizationId) ? configured.sheets : noSheets;
      return accounts.get(organizationId, sealed, () => {
        const key = ServiceAccountKey.parse(opened(organizationId, 'google', sealed));
        return createSheets({ credentials: JSON.stringify(key), rootUrl: config.google.rootUrl });
      });
    }

    return (organizationId): HelperServices => ({
      llm: { choose: async (question) => (await llmOf(organizationId)).choose(question) },
      sheets: { append: async (row) => (await sheetsOf(organizationId)).append(row) },
    });
  };
}

function usesConfigured(config: OrganizationServicesOptions['config'], organizationId: string): boolean {
  return config.sharedCredentials || config.organization === organizationId;
}

const setThem = 'whoever administers the organisation sets one with';
const noLlm = refusing('llm_not_configured', `no LLM is configured: ${setThem} PUT /api/v1/credentials/llm`);
const noModel = refusing(
  'llm_not_configured',
  'no LLM is configured: the credentials of the organisation name no model',
);
const noSheets: Sheets = {
  append: () =>
    Promise.reject(
      new AfterwordError(
        'google_not_configured',
        `no Google account is configured: ${setThem} PUT /api/v1/credentials/google`,
      ),
    ),
};

function refusing(code: 'llm_not_configured', message: string): Llm {
  return { choose: () => Promise.reject(new AfterwordError(code, message)) };
}

/** A client for as long as its credentials are what they were: it keeps tokens and connections. */
class Kept<Client> {
  readonly #clients = new Map<string, { readonly sealed: string; readonly client: Client }>();

  get(organizationId: string, sealed: string, create: () => Client): Client {
    const known = this.#clients.get(organizationId);
    this.#clients.delete(organizationId);
    const kept = known?.sealed === sealed ? known : { sealed, client: create() };
    this.#clients.set(organizationId, kept);
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > clientsKept && oldest !== undefined) this.#clients.delete(oldest);
    return kept.client;
  }
}
