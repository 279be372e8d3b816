import { z } from 'zod';
import { defineOutsideHelper } from './define-helper.ts';
import { inputParam, inputText, llmErrors, llmInput, llmNotes, promptParam, promptText } from './llm-arguments.ts';

export const llmClassifyBinary = defineOutsideHelper({
  name: 'llm_classify_binary',
  summary: 'Asks an LLM a yes-or-no question about a text or other data.',
  pythonParams: 'prompt, input, fallback=None',
  typescript: { params: 'prompt: string, input: unknown, fallback?: boolean | null', returns: 'boolean' },
  effect: 'read',
  docs: {
    params: {
      prompt: promptParam,
      input: inputParam,
      fallback: '`True` or `False`: the answer where the LLM gives none; `None`: then it raises',
    },
    returns: '`True` (yes) or `False` (no)',
    errors: llmErrors,
    notes: llmNotes,
  },
  input: z.strictObject({
    prompt: promptText,
    input: llmInput,
    fallback: z.boolean({ error: 'must be True, False or None' }).nullish(),
  }),
  async run({ prompt, input }, { services, timeoutMs, signal }) {
    const text = inputText('llm_classify_binary', input);
    const answer = await services.llm.choose({ prompt, input: text, options: ['yes', 'no'], timeoutMs, signal });
    return { answer: answer === 'yes' };
  },
  fallback: ({ fallback }) => fallback ?? undefined,
});
