import { createSheets } from './google/create-sheets.ts';
import type { GoogleSettings } from './google/settings.ts';
import type { HelperServices } from './helpers/services.ts';
import { createLlm } from './llm/create-llm.ts';
import type { LlmSettings } from './llm/settings.ts';

/** What helpers ask outside, as the configuration says. Throws `bad_configuration` for a key that cannot be read. */
export function createHelperServices(config: {
  readonly llm: LlmSettings;
  readonly google: GoogleSettings;
}): HelperServices {
  return { llm: createLlm(config.llm), sheets: createSheets(config.google) };
}

/** Answers that name the variables. */
export const servicesNotConfigured: HelperServices = createHelperServices({
  llm: { baseUrl: undefined, apiKey: undefined, model: undefined, api: 'responses' },
  google: { credentials: undefined, rootUrl: undefined },
});
