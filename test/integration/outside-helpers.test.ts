import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problem, responseBody } from '../../src/dev/stand-ins/llm.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';
import { startOutsideServices, tryEach, type OutsideServices } from './outside-services.ts';
import { handler, useHandlers } from './spine-system.ts';

/** Short, so that a test sees the end of the tries. */
const outsideMs = 4_000;

let outside: OutsideServices;
let system: TestSystem;
beforeAll(async () => {
  outside = await startOutsideServices();
  system = await startSystem({ services: outside.services, outsideMs });
});
afterAll(async () => {
  await system.stop();
  await outside.close();
});

const asked = () => outside.llm.received.length;
const overloaded = problem(503, 'server_error', null, 'Overloaded');
const binary = (more = '') => `llm_classify_binary("Is it about a refund?", "refund"${more})`;
const run = async (cases: Readonly<Record<string, string>>) => {
  await useHandlers(system, { tries: handler(tryEach(cases)) });
  const { tries } = await system.run();
  return tries;
};

describe('a helper that asks somebody else', () => {
  it('is tried again after a failure that passes, not before Retry-After', async () => {
    const before = asked();
    const limited = problem(429, 'requests', 'rate_limit_exceeded', 'Slow down');
    outside.llm.fail({ on: '/responses', then: { ...limited, headers: { 'retry-after': '2' } } });
    const execution = await run({ answer: binary(', fallback=False') });
    expect(execution?.result).toEqual({ answer: true });
    expect(asked() - before).toBe(2);
    expect(execution?.calls[0]?.durationMs).toBeGreaterThanOrEqual(1_900);
  });

  it('answers the fallback only when its tries are used up, False too; None raises', async () => {
    const before = asked();
    outside.llm.fail({ on: '/responses', then: overloaded, times: 1_000 });
    const execution = await run({
      False: binary(', fallback=False'),
      None: binary(', fallback=None'),
    });
    outside.llm.mend();
    expect(execution).toMatchObject({
      status: 'succeeded',
      attempts: 1,
      result: { False: false, None: 'helper_unavailable' },
      calls: [
        { state: 'succeeded', answer: false, error: { code: 'helper_unavailable' } },
        { state: 'transient', error: { message: 'llm_classify_binary could not do its work: the LLM answered 503' } },
      ],
    });
    expect(asked() - before).toBeGreaterThan(5);
    for (const { durationMs } of execution?.calls ?? []) {
      expect(durationMs).toBeGreaterThan(1_000);
      expect(durationMs).toBeLessThan(outsideMs + 1_500);
    }
  });

  it('does not wait for a Retry-After that lies beyond its time', async () => {
    const limited = problem(429, 'requests', 'rate_limit_exceeded', 'Slow down');
    outside.llm.fail({ on: '/responses', then: { ...limited, headers: { 'retry-after': '60' } } });
    const execution = await run({ answer: binary(', fallback=True') });
    expect(execution?.result).toEqual({ answer: true });
    expect(execution?.calls[0]?.durationMs).toBeLessThan(outsideMs);
  });

  it('is refused at once where another try cannot help, or answers its fallback', async () => {
    const before = asked();
    outside.llm.fail({
      on: '/responses',
      then: problem(404, 'invalid_request_error', 'model_not_found', 'No model'),
      times: 2,
    });
    const execution = await run({ raises: binary(), fallback: binary(', fallback=False') });
    expect(execution?.result).toEqual({ raises: 'llm_failed', fallback: false });
    expect(execution?.calls).toMatchObject([
      { state: 'refused', error: { code: 'llm_failed' } },
      { state: 'succeeded', answer: false, error: { code: 'llm_failed' } },
    ]);
    expect(asked() - before).toBe(2);
  });

  it('never passes on an answer that is none: outside of the options, a refusal, no JSON', async () => {
    const category = (more = '') => `llm_classify_category("Which?", "x", ["a", "b"]${more})`;
    outside.llm.say('{"answer": "c"}', 'Surely b.', '{"answer": "c"}');
    const execution = await run({
      outside: category(),
      'no JSON': category(),
      'with a fallback': category(', fallback="b"'),
    });
    expect(execution?.result).toEqual({ outside: 'llm_failed', 'no JSON': 'llm_failed', 'with a fallback': 'b' });
    const refusal = responseBody('m', { type: 'refusal', refusal: 'No.' });
    outside.llm.fail({ on: '/responses', then: { status: 200, body: refusal }, times: 2 });
    const refused = await run({ refused: category(), 'with a fallback': category(', fallback="a"') });
    expect(refused?.result).toEqual({ refused: 'llm_failed', 'with a fallback': 'a' });
  });

  it('answers a retried handler from the record, made anew only where its arguments changed', async () => {
    outside.google.create('retried', { rows: [['Attempt']] });
    const before = asked();
    await useHandlers(system, {
      retried: handler(`
attempt = context["args"]["attempt"]
answers = [
    ${binary()},
    llm_classify_category("Which?", "delivery " * attempt, ["delivery", "refund"]),
    add_google_sheets_row("retried", {"Attempt": attempt}),
    is_holiday("US", check_date="2026-12-25"),
]
if attempt == 1:
    raise ValueError("again")
return answers`),
    });
    const { retried } = await system.run();
    const row = { success: true, updatedRange: 'Sheet1!A2:A2' };
    expect(retried).toMatchObject({ status: 'succeeded', attempts: 2, result: [true, 'delivery', row, true] });
    expect(asked() - before).toBe(3);
    expect(outside.google.rows('retried')).toEqual([['Attempt'], [1]]);
    expect(retried?.calls.find(({ name }) => name === 'add_google_sheets_row')).toMatchObject({
      try: 1,
      drift: { sheet_id: 'retried', data: { Attempt: 2 } },
    });
  });

  it('writes one row when its first try was carried out and nobody heard of it', async () => {
    const made = outside.google.create('unheard', { rows: [['Name']] });
    outside.google.fail({ on: '/unheard:batchUpdate', when: 'after', then: 'drop' });
    const execution = await run({ row: 'add_google_sheets_row("unheard", {"Name": "Ada"})' });
    expect(execution?.result).toEqual({ row: { success: true, updatedRange: 'Sheet1!A2:A2' } });
    expect(outside.google.rows('unheard')).toEqual([['Name'], ['Ada']]);
    expect(made.metadata).toEqual([]);
  });

  it('writes one row when its whole call failed, and the handler was tried again', async () => {
    outside.google.create('transient', { rows: [['Name']] });
    outside.google.fail({ on: '/transient:batchUpdate', when: 'after', then: 'drop' });
    outside.google.fail({ on: '/transient/developerMetadata', then: { status: 500, body: 'down' }, times: 1_000 });
    await useHandlers(system, {
      transient: handler('return add_google_sheets_row("transient", {"Name": "Ada"})'),
    });
    const running = system.run();
    const transient = async () => {
      const calls = system.store.db.selectFrom('calls').select('id').where('state', '=', 'transient');
      return calls.where('name', '=', 'add_google_sheets_row').execute();
    };
    await expect.poll(async () => (await transient()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    outside.google.mend();
    const execution = (await running).transient;
    expect(execution).toMatchObject({ status: 'succeeded', result: { success: true, updatedRange: 'Sheet1!A2:A2' } });
    expect(execution?.attempts).toBeGreaterThan(1);
    expect(outside.google.rows('transient')).toEqual([['Name'], ['Ada']]);
  });
});

it('says which variables are missing where nothing is configured', async () => {
  const bare = await startSystem();
  await useHandlers(bare, {
    bare: handler(`
messages = []
for call in [
    lambda: ${binary()},
    lambda: add_google_sheets_row("s", {"a": 1}),
    lambda: ${binary(', fallback=False')},
]:
    try:
        messages.append(call())
    except HelperError as error:
        messages.append(error.code + " " + str(error))
return messages`),
  });
  const execution = (await bare.run()).bare;
  expect(execution?.result).toEqual([
    expect.stringMatching(/^llm_not_configured .*AFTERWORD_LLM_MODEL.*AFTERWORD_LLM_API_KEY/),
    expect.stringMatching(/^google_not_configured .*AFTERWORD_GOOGLE_CREDENTIALS/),
    false,
  ]);
  await bare.stop();
});
