import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, problem, responseBody, startLlmStandIn, type LlmStandIn } from '../../src/dev/stand-ins/llm.ts';
import type { Reply } from '../../src/dev/stand-ins/stand-in-server.ts';
import type { Llm, Question } from '../../src/helpers/services.ts';
import { createLlm } from '../../src/llm/create-llm.ts';
import type { LlmSettings } from '../../src/llm/settings.ts';

const key = 'sk-of-the-stand-in';
let standIn: LlmStandIn;
beforeAll(async () => {
  standIn = await startLlmStandIn({ key });
});
afterAll(() => standIn.close());

function llmOf(more: Partial<LlmSettings> = {}): Llm {
  return createLlm({ baseUrl: standIn.baseUrl, apiKey: key, model: 'model-1', api: 'responses', ...more });
}

function question(more: Partial<Question> = {}): Question {
  return {
    prompt: 'Which department is this for?',
    input: 'My refund has not arrived',
    options: ['billing and refund', 'delivery'],
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    ...more,
  };
}

const answer = (value: string) => JSON.stringify({ answer: value });
const text = (value: string) => ({ type: 'output_text', text: value, annotations: [] });
const message = (content: string | null, refusal: string | null = null) => ({ role: 'assistant', content, refusal });

describe.each(['responses', 'chat'] as const)('an LLM asked by its %s API', (api) => {
  const path = api === 'responses' ? '/responses' : '/chat/completions';
  const fail = (then: Reply | 'drop' | 'hang') => {
    standIn.fail({ on: path, then });
  };

  it('answers one of the options', async () => {
    await expect(llmOf({ api }).choose(question())).resolves.toBe('billing and refund');
    await expect(llmOf({ api }).choose(question({ input: 'The delivery is late' }))).resolves.toBe('delivery');
  });

  it('gets prompt, input and options, and nothing is kept there', async () => {
    await llmOf({ api }).choose(question({ options: ['a "quoted" one', 'é\n2'] }));
    const sent: unknown = JSON.parse(standIn.received.at(-1)?.body ?? '');
    const schema = {
      type: 'object',
      properties: { answer: { type: 'string', enum: ['a "quoted" one', 'é\n2'] } },
      required: ['answer'],
      additionalProperties: false,
    };
    const system = expect.stringContaining('Which department is this for?');
    expect(sent).toMatchObject(
      api === 'responses'
        ? {
            model: 'model-1',
            instructions: system,
            input: 'My refund has not arrived',
            store: false,
            text: { format: { schema, strict: true } },
          }
        : {
            model: 'model-1',
            messages: [
              { role: 'system', content: system },
              { role: 'user', content: 'My refund has not arrived' },
            ],
            response_format: { json_schema: { schema, strict: true } },
          },
    );
  });

  it.each([
    ['an option that is none', answer('sales')],
    ['an option in other letters', answer('Delivery')],
    ['another field', '{"option": "delivery"}'],
    ['no JSON', 'It is about delivery.'],
    ['half of it', '{"answer": "deliv'],
    ['nothing', ''],
  ])('never passes on %s', async (_what, said) => {
    standIn.say(said);
    await expect(llmOf({ api }).choose(question())).rejects.toMatchObject({ code: 'llm_failed' });
  });

  it('says so when it refuses', async () => {
    const body =
      api === 'responses'
        ? responseBody('m', { type: 'refusal', refusal: 'I cannot help with that.' })
        : chatBody('m', message(null, 'I cannot help with that.'));
    fail({ status: 200, body });
    await expect(llmOf({ api }).choose(question())).rejects.toMatchObject({
      code: 'llm_failed',
      message: expect.stringContaining('it refused to answer'),
    });
  });

  it('says so when its answer is incomplete', async () => {
    const details = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    const body =
      api === 'responses'
        ? responseBody('m', text(answer('delivery')), details)
        : chatBody('m', message(answer('delivery')), 'length');
    fail({ status: 200, body });
    await expect(llmOf({ api }).choose(question())).rejects.toMatchObject({
      code: 'llm_failed',
      message: expect.stringMatching(/incomplete/),
    });
  });

  it.each<[string, Reply, string]>([
    ['a page of HTML', { status: 200, body: '<html>proxy</html>' }, 'llm_failed'],
    ['an empty object', { status: 200, body: {} }, 'llm_failed'],
    ['an empty body', { status: 200, body: '' }, 'llm_failed'],
    [
      'an unknown model',
      problem(404, 'invalid_request_error', 'model_not_found', 'The model does not exist'),
      'llm_failed',
    ],
    ['a bad request', problem(400, 'invalid_request_error', null, 'Too long'), 'llm_failed'],
    ['a 429 of money', problem(429, 'insufficient_quota', 'insufficient_quota', 'Check your plan'), 'llm_failed'],
    ['a forbidden key', problem(403, 'invalid_request_error', null, 'Country not supported'), 'llm_failed'],
    ['a 500', problem(500, 'server_error', null, 'The server had an error'), 'helper_unavailable'],
    ['a 503 without JSON', { status: 503, body: 'overloaded' }, 'helper_unavailable'],
    ['a 429', problem(429, 'requests', 'rate_limit_exceeded', 'Slow down'), 'helper_unavailable'],
  ])('%s is an error of its kind', async (_what, reply, code) => {
    fail(reply);
    await expect(llmOf({ api }).choose(question())).rejects.toMatchObject({ code });
  });

  it('keeps the Retry-After of a 429 and asks once only', async () => {
    const before = standIn.received.length;
    fail({ ...problem(429, 'requests', 'rate_limit_exceeded', 'Slow down'), headers: { 'retry-after': '7' } });
    await expect(llmOf({ api }).choose(question())).rejects.toMatchObject({
      code: 'helper_unavailable',
      retryAfterMs: 7_000,
    });
    expect(standIn.received.length - before).toBe(1);
  });

  it('does not take a wrong key, and does not show it', async () => {
    const error: unknown = await llmOf({ api, apiKey: 'sk-wrong' })
      .choose(question())
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'llm_failed', message: expect.stringContaining('API key') });
    expect(String(error)).not.toContain('sk-wrong');
  });

  it('that hangs, drops the connection or is not there is unavailable', async () => {
    fail('hang');
    await expect(llmOf({ api }).choose(question({ timeoutMs: 200 }))).rejects.toMatchObject({
      code: 'helper_unavailable',
      message: expect.stringContaining('in time'),
    });
    fail('drop');
    await expect(llmOf({ api }).choose(question())).rejects.toMatchObject({ code: 'helper_unavailable' });
    const baseUrl = `http://127.0.0.1:${String(await unusedPort())}/v1`;
    await expect(llmOf({ api, baseUrl }).choose(question())).rejects.toMatchObject({ code: 'helper_unavailable' });
  });

  it('leaves a cancellation to the activity', async () => {
    fail('hang');
    const controller = new AbortController();
    const asked = llmOf({ api }).choose(question({ signal: controller.signal }));
    const reached = standIn.received.length + 1;
    await expect.poll(() => standIn.received.length).toBeGreaterThanOrEqual(reached);
    controller.abort();
    await expect(asked).rejects.not.toHaveProperty('code', 'helper_unavailable');
  });
});

it('a responses API that takes the request and fails is tried again for an outage only', async () => {
  const failed = (code: string) => ({
    status: 200,
    body: responseBody('m', text(''), { status: 'failed', error: { code, message: 'no' }, output: [] }),
  });
  for (const [code, expected] of [
    ['server_error', 'helper_unavailable'],
    ['rate_limit_exceeded', 'helper_unavailable'],
    ['invalid_prompt', 'llm_failed'],
  ] as const) {
    standIn.fail({ on: '/responses', then: failed(code) });
    await expect(llmOf().choose(question())).rejects.toMatchObject({ code: expected });
  }
});

describe('without its configuration', () => {
  it.each<[Partial<LlmSettings>, string[]]>([
    [{ model: undefined }, ['AFTERWORD_LLM_MODEL']],
    [{ apiKey: undefined, baseUrl: undefined }, ['AFTERWORD_LLM_API_KEY', 'AFTERWORD_LLM_BASE_URL']],
    [{ model: undefined, apiKey: undefined, baseUrl: undefined }, ['AFTERWORD_LLM_MODEL', 'AFTERWORD_LLM_API_KEY']],
  ])('%j the answer names the variables', async (settings, names) => {
    const error: unknown = await llmOf(settings)
      .choose(question())
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'llm_not_configured' });
    for (const name of names) expect(String(error)).toContain(name);
  });

  it('a server of one’s own needs no key', async () => {
    const open = await startLlmStandIn();
    const llm = llmOf({ baseUrl: open.baseUrl, apiKey: undefined });
    await expect(llm.choose(question())).resolves.toBe('billing and refund');
    await open.close();
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
