import { AfterwordError } from '../domain/errors.ts';
import type { Llm } from '../helpers/services.ts';
import type { LlmSettings } from './settings.ts';

/** Loads the client when it is first asked: workers that never ask start without it. */
export function createLlm(settings: LlmSettings): Llm {
  const { model, apiKey, baseUrl } = settings;
  if (model === undefined || (apiKey === undefined && baseUrl === undefined)) {
    const missing = [
      ...(model === undefined ? ['AFTERWORD_LLM_MODEL'] : []),
      ...(apiKey === undefined && baseUrl === undefined ? ['AFTERWORD_LLM_API_KEY (or AFTERWORD_LLM_BASE_URL)'] : []),
    ];
    const message = `no LLM is configured: the worker needs ${missing.join(' and ')}`;
    return { choose: () => Promise.reject(new AfterwordError('llm_not_configured', message)) };
  }
  let llm: Promise<Llm> | undefined;
  return {
    async choose(question) {
      llm ??= import('./openai-llm.ts').then(({ createOpenAiLlm }) => createOpenAiLlm({ ...settings, model }));
      return (await llm).choose(question);
    },
  };
}
