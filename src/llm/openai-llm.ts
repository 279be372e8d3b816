import OpenAI from 'openai';
import type { Llm, Question } from '../helpers/services.ts';
import { askChat, askResponses } from './ask.ts';
import { toAfterwordError, unusable } from './llm-errors.ts';
import type { LlmSettings } from './settings.ts';

/** Sent to servers that need no key: the client refuses to be without. */
const noKey = 'none';

/** No retries of its own, no environment of its own: Temporal tries again, and the configuration says all. */
export function createOpenAiLlm(settings: LlmSettings & { readonly model: string }): Llm {
  const client = new OpenAI({
    baseURL: settings.baseUrl ?? 'https://api.openai.com/v1',
    apiKey: settings.apiKey ?? noKey,
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    logLevel: 'off',
    fetch: settings.fetch,
  });
  const ask = settings.api === 'chat' ? askChat : askResponses;
  return {
    async choose(question: Question): Promise<string> {
      const answer = await ask(client, settings.model, question).catch((error: unknown) => {
        throw toAfterwordError(error, question.signal);
      });
      // The schema says so already, but not every server keeps to it, and nothing else may ever come out.
      if (!question.options.includes(answer)) throw unusable('it answered outside of the options');
      return answer;
    },
  };
}
