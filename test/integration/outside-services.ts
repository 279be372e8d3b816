import { startGoogleStandIn, type GoogleStandIn } from '../../src/dev/stand-ins/google-sheets.ts';
import { startLlmStandIn, type LlmStandIn } from '../../src/dev/stand-ins/llm.ts';
import { createHelperServices } from '../../src/helper-services.ts';
import type { HelperServices } from '../../src/helpers/services.ts';

/** What helpers ask outside, with the stand-ins that answer. */
export interface OutsideServices {
  readonly llm: LlmStandIn;
  readonly google: GoogleStandIn;
  readonly services: HelperServices;
  close(): Promise<void>;
}

export async function startOutsideServices(): Promise<OutsideServices> {
  const llm = await startLlmStandIn({ key: 'sk-of-the-stand-in' });
  const google = await startGoogleStandIn();
  const services = createHelperServices({
    llm: { baseUrl: llm.baseUrl, apiKey: 'sk-of-the-stand-in', model: 'model-1', api: 'responses' },
    google: { credentials: google.credentials, rootUrl: google.url },
  });
  return {
    llm,
    google,
    services,
    async close() {
      await llm.close();
      await google.close();
    },
  };
}

/** The body of a handler that tries each Python expression and returns what came of it: its value, or the code of the HelperError. */
export function tryEach(cases: Readonly<Record<string, string>>): string {
  const lines = Object.entries(cases).map(([name, expression]) => `    ("${name}", lambda: ${expression}),`);
  return `
results = {}
for name, attempt in [
${lines.join('\n')}
]:
    try:
        results[name] = attempt()
    except HelperError as error:
        results[name] = error.code
return results`;
}
