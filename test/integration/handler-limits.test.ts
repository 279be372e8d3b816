import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HandlerLimits } from '../../src/contract/handler-limits.ts';
import type { HandlerLanguage } from '../../src/contract/handler-language.ts';
import { limits } from '../../src/domain/limits.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';

let system: TestSystem;
let upstream: Upstream;
/** Requests that wait for their answer. */
let openRequests = 0;
let mostOpen = 0;

beforeAll(async () => {
  upstream = await startUpstream((_request, response) => {
    openRequests += 1;
    mostOpen = Math.max(mostOpen, openRequests);
    setTimeout(() => {
      openRequests -= 1;
      response.end('ok');
    }, 150);
  });
  system = await startSystem();
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

const python = (body: string) => `import os, time, requests\ndef handle_event(context):\n    ${body}\n`;
const typescript = (body: string) => `export async function handleEvent(context: any, helpers: any) { ${body} }\n`;

/** How handlers with these limits end, one after the other: what one does is not to be the other's doing. */
async function endsOf(language: HandlerLanguage, code: string, own: HandlerLimits) {
  await system.push('limited', code, { language, settings: { attempts: 1, limits: own } });
  const { limited } = await system.run();
  if (limited === undefined) throw new Error('nothing ran');
  const { status, reason, error, result, stdout, runMs } = limited;
  return { status, reason, error, result, stdout, runMs };
}

const withUrl = (code: string) => code.replaceAll('URL', upstream.url);
const failed = (reason: string, type: string, message: string) => ({
  status: 'failed',
  reason,
  error: { type, message: expect.stringContaining(message) },
});
const tooLong = (seconds: number) => ({
  status: 'timed_out',
  reason: null,
  error: { type: 'Timeout', message: expect.stringContaining(`did not finish within ${String(seconds)} s`) },
});

describe('a handler’s own limits', () => {
  it.each<[what: string, language: HandlerLanguage, own: HandlerLimits, code: string, expected: object]>([
    [
      'seconds',
      'python',
      { seconds: 2 },
      python('print("before", flush=True); time.sleep(50)'),
      { ...tooLong(2), stdout: 'before\n' },
    ],
    [
      'seconds',
      'typescript',
      { seconds: 2 },
      typescript('console.log("before"); for (;;) await null;'),
      { ...tooLong(2), stdout: 'before\n' },
    ],
    [
      'cpuSeconds',
      'python',
      { cpuSeconds: 1 },
      python('while True: pass'),
      failed('limit_exceeded', 'CpuTimeLimit', 'the 1 s of CPU time'),
    ],
    [
      'cpuSeconds',
      'typescript',
      { cpuSeconds: 1 },
      typescript('for (;;) {}'),
      failed('limit_exceeded', 'CpuTimeLimit', 'the 1 s of CPU time'),
    ],
    [
      'memoryMb',
      'python',
      { memoryMb: 64 },
      python('return len(bytearray(65 << 20))'),
      failed('out_of_memory', 'MemoryError', 'the 64 MB of memory'),
    ],
    [
      'memoryMb',
      'typescript',
      { memoryMb: 64 },
      typescript('const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));'),
      failed('out_of_memory', 'MemoryError', 'the 64 MB of memory'),
    ],
    [
      'outputBytes',
      'python',
      { outputBytes: 1024 },
      python('print("x" * 1024)'),
      failed('limit_exceeded', 'OutputTooLong', 'the 1024 bytes allowed'),
    ],
    [
      'outputBytes',
      'typescript',
      { outputBytes: 1024 },
      typescript('console.log("x".repeat(1024));'),
      failed('limit_exceeded', 'OutputTooLong', 'the 1024 bytes allowed'),
    ],
    [
      'resultBytes',
      'python',
      { resultBytes: 1024 },
      python('return "x" * 1023'),
      failed('limit_exceeded', 'ResultTooLarge', 'is 1025 bytes of JSON, more than the 1024 allowed'),
    ],
    [
      'resultBytes',
      'typescript',
      { resultBytes: 1024 },
      typescript('return "x".repeat(1023);'),
      failed('limit_exceeded', 'ResultTooLarge', 'is 1025 bytes of JSON, more than the 1024 allowed'),
    ],
    [
      'calls',
      'python',
      { calls: 1 },
      python('return [add_conversation_tag(context, tag) for tag in "ab"]'),
      failed('limit_exceeded', 'LimitExceeded', 'more than the 1 helper calls'),
    ],
    [
      'calls',
      'typescript',
      { calls: 1 },
      typescript('await helpers.addConversationTag("a"); await helpers.addConversationTag("b");'),
      failed('limit_exceeded', 'LimitExceeded', 'more than the 1 helper calls'),
    ],
    [
      'calls',
      'python',
      { calls: 0 },
      python('return add_conversation_tag(context, "a")'),
      failed('limit_exceeded', 'LimitExceeded', 'more than the 0 helper calls'),
    ],
    [
      'requests',
      'python',
      { requests: 1 },
      python('return [requests.get("URL").text for _ in range(2)]'),
      failed('limit_exceeded', 'LimitExceeded', 'more than the 1 HTTP requests'),
    ],
    [
      'requests',
      'typescript',
      { requests: 1 },
      typescript('await fetch("URL"); await fetch("URL");'),
      failed('limit_exceeded', 'LimitExceeded', 'more than the 1 HTTP requests'),
    ],
    [
      'requests',
      'python',
      { requests: 0 },
      python('return requests.get("URL").text'),
      failed('limit_exceeded', 'LimitExceeded', 'more than the 0 HTTP requests'),
    ],
  ])('%s end one past it: %s, %j', async (_what, language, own, code, expected) => {
    expect(await endsOf(language, withUrl(code), own)).toMatchObject(expected);
  });

  it.each<[what: string, language: HandlerLanguage, own: HandlerLimits, code: string, result: unknown]>([
    ['seconds', 'python', { seconds: 5 }, python('time.sleep(1); return "in time"'), 'in time'],
    ['memoryMb', 'python', { memoryMb: 64 }, python('return len(bytearray(60 << 20))'), 60 << 20],
    [
      'memoryMb',
      'typescript',
      { memoryMb: 64 },
      typescript('return new Uint8Array(30 << 20).fill(1).length;'),
      30 << 20,
    ],
    ['outputBytes', 'python', { outputBytes: 1024 }, python('print("x" * 1023); return 1'), 1],
    ['outputBytes', 'typescript', { outputBytes: 1024 }, typescript('console.log("x".repeat(1023)); return 1;'), 1],
    ['resultBytes', 'python', { resultBytes: 1024 }, python('return "x" * 1022'), 'x'.repeat(1022)],
    ['resultBytes', 'typescript', { resultBytes: 1024 }, typescript('return "x".repeat(1022);'), 'x'.repeat(1022)],
    [
      'calls',
      'python',
      { calls: 2 },
      python('return [add_conversation_tag(context, tag)["success"] for tag in "ab"]'),
      [true, true],
    ],
    [
      'requests',
      'python',
      { requests: 2 },
      python('return [requests.get("URL").text for _ in range(2)]'),
      ['ok', 'ok'],
    ],
  ])('let pass what keeps to them: %s, %s', async (_what, language, own, code, result) => {
    expect(await endsOf(language, withUrl(code), own)).toMatchObject({ status: 'succeeded', result });
  });

  it.each([1, 3])('keep requests at once to %d; the others wait', async (requestsAtOnce) => {
    mostOpen = 0;
    const code = typescript(
      'return (await Promise.all(Array.from({ length: 7 }, (_, n) => fetch(`URL/${n}`)))).length;',
    );
    expect(await endsOf('typescript', withUrl(code), { requestsAtOnce })).toMatchObject({
      status: 'succeeded',
      result: 7,
    });
    expect(mostOpen).toBe(requestsAtOnce);
  });

  it('hold over all attempts where they count calls', async () => {
    const code = python(
      'add_conversation_tag(context, "a%d" % context["args"]["attempt"]); get_conversation_metadata(context, "k%d" % context["args"]["attempt"]); raise ValueError("again")',
    );
    await system.push('limited', code, { settings: { attempts: 5, limits: { calls: 3 } } });
    const { limited } = await system.run();
    // The tag is answered from the record; the metadata is asked anew each time.
    expect(limited).toMatchObject({ status: 'failed', reason: 'limit_exceeded', attempts: 3 });
  });

  it('leave a neighbour without any its own', async () => {
    await system.push('limited', python('return len(bytearray(100 << 20))'), {
      settings: { attempts: 1, limits: { memoryMb: 64 } },
    });
    await system.push('neighbour', python('return len(bytearray(100 << 20))'));
    expect(await system.run()).toMatchObject({
      limited: { status: 'failed', reason: 'out_of_memory' },
      neighbour: { status: 'succeeded', result: 100 << 20 },
    });
  });
});

describe('what a limit may be', () => {
  const bounds: readonly [name: keyof HandlerLimits, least: number, most: number][] = [
    ['seconds', 1, 60],
    ['cpuSeconds', 1, limits.handlerCpuSeconds],
    ['memoryMb', limits.leastMemoryMb, 512],
    ['outputBytes', limits.leastOutputBytes, limits.outputBytes],
    ['resultBytes', limits.leastResultBytes, limits.resultBytes],
    ['calls', 0, limits.helperCallsPerExecution],
    ['requests', 0, limits.httpRequestsPerExecution],
    ['requestsAtOnce', 1, limits.requestsInFlight],
  ];
  it.each(bounds)('%s: from %d to %d, whole numbers', (name, least, most) => {
    const faultsOf = (value: unknown) =>
      HandlerLimits.safeParse({ [name]: value }).error?.issues.map(({ message }) => message) ?? [];
    expect(faultsOf(least)).toEqual([]);
    expect(faultsOf(most)).toEqual([]);
    expect(faultsOf(least - 1)).toEqual([`at least ${String(least)}`]);
    expect(faultsOf(most + 1)).toEqual([`at most ${String(most)}, which is the limit of every handler`]);
    expect(faultsOf(least + 0.5)).toEqual([`expected a whole number from ${String(least)} to ${String(most)}`]);
    expect(faultsOf('5')).toEqual([`expected a whole number from ${String(least)} to ${String(most)}`]);
  });
});
