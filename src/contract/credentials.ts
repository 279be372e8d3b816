import { z } from 'zod';
import { limits } from '../domain/limits.ts';

/** What a service account's JSON file holds of what we use; the rest of the file is not kept. */
export const ServiceAccountKey = z.object({
  type: z.literal('service_account'),
  client_email: z.email(),
  private_key: z.string().startsWith('-----BEGIN'),
});
export type ServiceAccountKey = z.infer<typeof ServiceAccountKey>;

export const GoogleCredentialsInput = z
  .looseObject({
    type: z.literal('service_account'),
    client_email: z.email().max(limits.credentialsBytes),
    private_key: z.string().startsWith('-----BEGIN', 'expected a private key in PEM').max(limits.credentialsBytes),
  })
  .meta({ id: 'GoogleCredentialsInput', description: 'The JSON file of a service account, as Google gives it out.' });

const shown = { createdAt: z.string(), updatedAt: z.string() };

export const GoogleCredentials = z
  .object({ clientEmail: z.string().meta({ description: 'Spreadsheets are shared with it.' }), ...shown })
  .meta({ id: 'GoogleCredentials' });
export type GoogleCredentials = z.infer<typeof GoogleCredentials>;

const api = z.enum(['responses', 'chat']);

export const LlmCredentialsInput = z
  .strictObject({
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces: it travels in a header')
      .min(limits.secretCharactersAtLeast)
      .max(limits.llmApiKeyCharacters),
    baseUrl: z
      .url({ protocol: /^https?$/, error: 'an address such as https://llm.example.com/v1' })
      .max(2_000)
      .refine((text) => plainUrl(text), 'a URL without user, password, query and fragment')
      .optional()
      .meta({ description: 'Of any server that speaks one of OpenAI’s two APIs; left out: OpenAI’s own.' }),
    model: z.string().trim().min(1).max(limits.llmModelCharacters).optional().meta({
      description: 'Left out: the one that the operator configured.',
    }),
    api: api.default('responses').meta({ description: '`chat` where the server speaks chat completions only.' }),
  })
  .meta({ id: 'LlmCredentialsInput' });

/** As it is sealed. */
export const StoredLlmCredentials = z.object({
  apiKey: z.string(),
  baseUrl: z.string().nullable(),
  model: z.string().nullable(),
  api,
});
export type StoredLlmCredentials = z.infer<typeof StoredLlmCredentials>;

export const LlmCredentials = z
  .object({
    apiKeyEnd: z.string().meta({ description: 'The last four characters of the key.' }),
    baseUrl: z.string().nullable(),
    model: z.string().nullable(),
    api,
    ...shown,
  })
  .meta({ id: 'LlmCredentials' });
export type LlmCredentials = z.infer<typeof LlmCredentials>;

function plainUrl(text: string): boolean {
  const url = URL.parse(text);
  // What is no URL at all is told so already.
  return url === null || url.username + url.password + url.search + url.hash === '';
}
