import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { startStandIn, type Received, type Reply, type StandInServer } from './stand-in-server.ts';

/** Speaks OpenAI's responses and chat completions API, as far as classifying needs them. */
export interface LlmStandIn extends StandInServer {
  /** For AFTERWORD_LLM_BASE_URL. */
  readonly baseUrl: string;
  /** Answers the next questions, one each, with this text instead of with the word that fits best. */
  say(...texts: string[]): void;
}

export interface Asked {
  readonly instructions: string;
  readonly input: string;
  readonly options: readonly string[];
}

const Schema = z.object({ properties: z.object({ answer: z.object({ enum: z.array(z.string()) }) }) });
const ResponsesRequest = z.object({
  model: z.string(),
  instructions: z.string(),
  input: z.string(),
  text: z.object({ format: z.object({ type: z.literal('json_schema'), strict: z.literal(true), schema: Schema }) }),
});
const ChatRequest = z.object({
  model: z.string(),
  messages: z.tuple([
    z.object({ role: z.literal('system'), content: z.string() }),
    z.object({ role: z.literal('user'), content: z.string() }),
  ]),
  response_format: z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema: Schema }) }),
});

/** `key`: what it takes as the API key; left out: any. */
export async function startLlmStandIn({ key, port }: { key?: string; port?: number } = {}): Promise<LlmStandIn> {
  const said: string[] = [];
  const answerTo = (asked: Asked): string => said.shift() ?? JSON.stringify({ answer: bestOption(asked) });
  const server = await startStandIn((request) => {
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      return problem(401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.');
    }
    if (request.url.pathname === '/v1/responses') return answerResponses(request, answerTo);
    if (request.url.pathname === '/v1/chat/completions') return answerChat(request, answerTo);
    return problem(404, 'invalid_request_error', 'unknown_url', `Unknown request URL: ${request.url.pathname}`);
  }, port);
  return {
    ...server,
    baseUrl: `${server.url}/v1`,
    say: (...texts) => said.push(...texts),
  };
}

/**
 * The option of which most words stand in the text; yes, where the text has a word of the question. No intelligence:
 * enough to show what a handler does with an answer.
 */
function bestOption({ instructions, input, options }: Asked): string {
  const heard = wordsOf(input);
  const score = (option: string) => wordsOf(option).filter((word) => heard.includes(word)).length;
  if (options.includes('yes') && options.includes('no')) {
    const question = instructions.split('\n\n')[1] ?? '';
    return wordsOf(question).some((word) => word.length > 4 && heard.includes(word)) ? 'yes' : 'no';
  }
  return options.toSorted((one, other) => score(other) - score(one))[0] ?? '';
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

function answerResponses({ body }: Received, answerTo: (asked: Asked) => string): Reply {
  const parsed = ResponsesRequest.safeParse(json(body));
  if (!parsed.success) return malformed(parsed.error);
  const { model, instructions, input, text } = parsed.data;
  const said = answerTo({ instructions, input, options: text.format.schema.properties.answer.enum });
  return {
    status: 200,
    body: responseBody(model, { type: 'output_text', text: said, annotations: [] }),
  };
}

/** One whole answer of the responses API; tests make others of it. */
export function responseBody(model: string, content: object, more: object = {}): object {
  return {
    id: `resp_${randomUUID()}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'completed',
    error: null,
    incomplete_details: null,
    model,
    output: [
      { type: 'message', id: `msg_${randomUUID()}`, status: 'completed', role: 'assistant', content: [content] },
    ],
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    ...more,
  };
}

function answerChat({ body }: Received, answerTo: (asked: Asked) => string): Reply {
  const parsed = ChatRequest.safeParse(json(body));
  if (!parsed.success) return malformed(parsed.error);
  const { model, messages, response_format } = parsed.data;
  const [system, user] = messages;
  const options = response_format.json_schema.schema.properties.answer.enum;
  const content = answerTo({ instructions: system.content, input: user.content, options });
  return {
    status: 200,
    body: chatBody(model, { role: 'assistant', content, refusal: null }),
  };
}

/** One whole chat completion; tests make others of it. */
export function chatBody(model: string, message: object, finishReason = 'stop'): object {
  return {
    id: `chatcmpl-${randomUUID()}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, message, finish_reason: finishReason, logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}

/** An error as OpenAI writes it. */
export function problem(status: number, type: string, code: string | null, message: string): Reply {
  return { status, body: { error: { message, type, param: null, code } } };
}

function malformed(error: z.ZodError): Reply {
  return problem(400, 'invalid_request_error', null, z.prettifyError(error));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
