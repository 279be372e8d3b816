import { z } from 'zod';
import type { JsonValue } from '../contract/json.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { text } from './text-length.ts';

/** What the two helpers that ask an LLM have in common. */
export const promptText = text('the prompt', { min: 1, max: limits.llmPromptCharacters });
export const llmInput: z.ZodType<JsonValue> = z.custom<JsonValue>((value) => value !== undefined, {
  error: 'must be given',
});

const kilobytes = limits.llmInputBytes / 1024;

/** The input as the LLM reads it. Throws `limit_exceeded`. */
export function inputText(helper: string, input: JsonValue): string {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.llmInputBytes) {
    throw new AfterwordError(
      'limit_exceeded',
      `${helper}: the input is ${String(bytes)} bytes; at most ${String(limits.llmInputBytes)} are allowed`,
    );
  }
  return text;
}

export const promptParam = `what to decide: a text of 1 to ${limits.llmPromptCharacters.toLocaleString('en')} characters`;
export const inputParam = `what to decide it about: a text, or anything else that is JSON; at most ${String(kilobytes)} KB`;

export const llmErrors = {
  limit_exceeded: `the input takes more than ${String(kilobytes)} KB`,
  llm_not_configured: 'the worker knows no LLM, and there is no fallback',
  llm_failed: 'the LLM said no for good, refused, or its answer is none of those allowed, and there is no fallback',
  helper_unavailable: 'the LLM could not be reached, was overloaded or too slow, and there is no fallback',
};

export const llmNotes = [
  `Failures that pass (the network, 429, 5xx, more than ${String(limits.outsideRequestMs / 1000)} seconds) are tried again, ` +
    `in all for at most ${String(limits.outsideHelperMs / 1000)} seconds; a \`Retry-After\` is kept. Only then, or at once ` +
    'where another try cannot help, the fallback is the answer, and the call keeps the error beside it. Wrong arguments raise all the same.',
];
