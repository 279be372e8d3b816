import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { defineOutsideHelper } from './define-helper.ts';
import { inputParam, inputText, llmErrors, llmInput, llmNotes, promptParam, promptText } from './llm-arguments.ts';
import { text } from './text-length.ts';

const distinct = 'must be different from each other';

export const llmClassifyCategory = defineOutsideHelper({
  name: 'llm_classify_category',
  summary: 'Lets an LLM choose one of several options for a text or other data.',
  pythonParams: 'prompt, input, options, fallback=None',
  typescript: {
    params: 'prompt: string, input: unknown, options: string[], fallback?: string | null',
    returns: 'string',
  },
  effect: 'read',
  docs: {
    params: {
      prompt: promptParam,
      input: inputParam,
      options:
        `a list of 2 to ${String(limits.llmOptions)} different texts of 1 to ` +
        `${String(limits.llmOptionCharacters)} characters`,
      fallback: 'one of the options: the answer where the LLM gives none; `None`: then it raises',
    },
    returns: 'one of the options, never anything else',
    errors: llmErrors,
    notes: llmNotes,
  },
  input: z
    .strictObject({
      prompt: promptText,
      input: llmInput,
      options: z
        .array(text('an option', { min: 1, max: limits.llmOptionCharacters }), { error: 'must be a list of texts' })
        .min(2, 'must be at least 2')
        .max(limits.llmOptions, `must be at most ${String(limits.llmOptions)}`)
        .refine((options) => new Set(options).size === options.length, distinct),
      fallback: z.string({ error: 'must be one of the options, or None' }).nullish(),
    })
    .refine(({ fallback, options }) => fallback == null || options.includes(fallback), {
      path: ['fallback'],
      error: 'must be one of the options, or None',
    }),
  async run({ prompt, input, options }, { services, timeoutMs, signal }) {
    const text = inputText('llm_classify_category', input);
    return { answer: await services.llm.choose({ prompt, input: text, options, timeoutMs, signal }) };
  },
  fallback: ({ fallback }) => fallback ?? undefined,
});
