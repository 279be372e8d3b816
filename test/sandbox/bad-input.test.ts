import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { processTree } from '../setup/process-tree.ts';
import { isAlive, openSandbox, runHandler, until, type HandlerOptions } from './running.ts';

/** How it may end: the reason of a failure, or an outcome without one; and what its message says. */
interface Ending {
  readonly as: RegExp;
  readonly says: RegExp;
}

const outOfTime = { as: /^timed_out$/, says: /did not finish within .* and was stopped/ };
const outOfMemory = { as: /^out_of_memory$/, says: /used up the 256 MB of memory it may have/ };
const tooMuchOutput = { as: /^limit_exceeded$/, says: /printed more than the 65536 bytes allowed/ };
const crashed = { as: /^crashed$/, says: /^The handler's process (ended with exit code \d+|was ended by SIG\w+)/ };
const forged = { as: /^crashed$/, says: /^The handler's process sent .* and was stopped/ };
const soon = { wallMs: 1_000 };

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

const python = (text: string) =>
  `import builtins, ctypes, itertools, json, os, random, requests, signal, socket, sys, threading, time
def handle_event(context):
    ${text.replaceAll('\n', '\n    ')}`;
const typescript = (text: string) => `
const node = async (name: string) => {
  globalThis.Deno = new Proxy(function () {}, {
    get: (_, key) => (typeof key === 'symbol' ? () => '' : globalThis.Deno), apply: () => globalThis.Deno, construct: () => globalThis.Deno,
  });
  return (0, eval)("import('node:" + name + "')");
};
export async function handleEvent(context: any, helpers: any) {
  ${text}
}`;

const inPython: Record<string, readonly [text: string, ends: Ending, limits?: HandlerOptions['limits']]> = {
  'never finishes': ['while True: time.sleep(1)', outOfTime, soon],
  'stops itself': ['os.kill(os.getpid(), signal.SIGSTOP)', outOfTime, soon],
  'catches every exception': [
    'while True:\n    try: raise KeyboardInterrupt\n    except BaseException: time.sleep(0.01)',
    outOfTime,
    soon,
  ],
  'ignores every signal': [
    'for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)\ntime.sleep(60)',
    outOfTime,
    soon,
  ],
  'blocks every signal': [
    'signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())\ntime.sleep(60)',
    outOfTime,
    soon,
  ],
  'waits for a lock that nobody opens': ['lock = threading.Lock()\nlock.acquire()\nlock.acquire()', outOfTime, soon],
  'prints 1 GB': ['for _ in range(1024): print("x" * (1 << 20))', tooMuchOutput],
  'prints 1 GB of bytes': ['for _ in range(1024): sys.stdout.buffer.write(b"\\xff" * (1 << 20))', tooMuchOutput],
  'prints 1 GB from threads': [
    'def say():\n    while True: print("x" * 10_000)\nfor _ in range(8): threading.Thread(target=say).start()\ntime.sleep(60)',
    tooMuchOutput,
  ],
  'returns 1 GB': ['return "x" * (1 << 30)', outOfMemory],
  'returns the same megabyte a thousand times': ['return ["x" * (1 << 20)] * 1024', outOfMemory],
  'returns a dict that has no end': [
    'class Endless(dict):\n    def items(self): return ((str(n), n) for n in itertools.count())\nreturn Endless(a=1)',
    { as: /^(out_of_memory|limit_exceeded|timed_out)$/, says: /memory|CPU time|did not finish/ },
    soon,
  ],
  'allocates 4 GiB': ['return len(bytearray(4 << 30))', outOfMemory],
  'raises with 100 MB of text': [
    'raise ValueError("x" * 100_000_000)',
    { as: /^(raised|out_of_memory)$/, says: /^(x{4000}\n|The handler used up the 256 MB)/ },
  ],
  recurses: ['def down(): return down()\ndown()', { as: /^raised$/, says: /maximum recursion depth/ }],
  'recurses as deep as it can': [
    'sys.setrecursionlimit(1 << 30)\ndef down(a): return [down([a])]\ndown([])',
    { as: /^(raised|out_of_memory|crashed|timed_out)$/, says: /./ },
    soon,
  ],
  forks: ['os.fork()', { as: /^raised$/, says: /Operation not permitted/ }],
  'starts a program': ['__import__("subprocess").run(["true"])', { as: /^raised$/, says: /Operation not permitted/ }],
  'opens a socket': ['socket.socket()', { as: /^raised$/, says: /send HTTP requests with `requests`/ }],
  'reads a file': ['open("/etc/passwd")', { as: /^raised$/, says: /Permission denied: '\/etc\/passwd'/ }],
  'exits without a word': ['os._exit(0)', crashed],
  'kills itself': ['os.kill(os.getpid(), signal.SIGKILL)', crashed],
  'reads where there is nothing': ['ctypes.string_at(0)', crashed],
  'hangs up': ['socket.socket(fileno=os.dup(3)).shutdown(2)\ntime.sleep(60)', crashed],
  'makes its connection slow': [
    'import fcntl\nfcntl.fcntl(3, fcntl.F_SETFL, os.O_NONBLOCK)\nadd_conversation_tag(context, "x" * 200_000)\nreturn 1',
    // Where half of a message went out, what follows it makes no sense.
    {
      as: /^(succeeded|raised|crashed)$/,
      says: /temporarily unavailable|closed the connection|sent .* and was stopped/,
    },
  ],
  'writes what is no message': ['os.write(3, b"hello\\n")\ntime.sleep(60)', forged],
  'writes a message of the runner': ['os.write(3, b\'{"t":"started"}\\n\')\ntime.sleep(60)', forged],
  'writes a call that it may not make': [
    'os.write(3, b\'{"t":"call","id":9,"name":"x","args":{}}\\n\')\ntime.sleep(60)',
    forged,
  ],
  'writes a line without end': ['while True: os.write(3, b"x" * 65536)', forged],
  'empties the builtins': [
    'for name in list(vars(builtins)): setattr(builtins, name, None)\nreturn 1',
    { as: /^(raised|crashed)$/, says: /./ },
  ],
  'puts others in place of builtins': [
    'builtins.len = lambda _: 0\nbuiltins.print = builtins.isinstance = lambda *_, **__: True\nreturn {"a": 1}',
    { as: /^(succeeded|raised|not_json|limit_exceeded|crashed|timed_out)$/, says: /./ },
    soon,
  ],
  'breaks what the runner writes with': [
    'json.dumps = json.JSONEncoder.encode = socket.socket.sendall = None\nreturn 1',
    { as: /^(succeeded|raised|crashed)$/, says: /^$|./ },
  ],
  'takes stdout away': [
    'sys.stdout = sys.stderr = None\nprint("nowhere")\nreturn 1',
    { as: /^succeeded$/, says: /^$/ },
  ],
};

const inTypeScript: typeof inPython = {
  'never finishes': ['await new Promise(() => {});', outOfTime, soon],
  'catches everything': ['for (;;) { try { await null; throw 1; } catch {} }', outOfTime, soon],
  'waits for memory that nobody writes': [
    'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    outOfTime,
    soon,
  ],
  'answers what never ends to be listed': ['return new Proxy({}, { ownKeys: () => { for (;;); } });', outOfTime, soon],
  'prints 1 GB': ['for (let n = 0; n < 1024; n += 1) console.log("x".repeat(1 << 20));', tooMuchOutput],
  'returns 1 GB': ['return "x".repeat(1 << 30);', { as: /^(out_of_memory|raised)$/, says: /memory|Invalid/ }],
  'returns the same megabyte a thousand times': [
    'return Array(1024).fill("x".repeat(1 << 20));',
    { as: /^(out_of_memory|not_json)$/, says: /memory|too large/ },
  ],
  'allocates 4 GiB': ['return new ArrayBuffer(4 * 2 ** 30).byteLength;', outOfMemory],
  'allocates 4 GiB to share': ['return new SharedArrayBuffer(4 * 2 ** 30).byteLength;', outOfMemory],
  'grows a memory of WebAssembly': [
    'const all = []; for (;;) { const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); memory.grow(2_000); new Uint8Array(memory.buffer).fill(1); all.push(memory); }',
    outOfMemory,
  ],
  'grows a memory of WebAssembly that threads share': [
    'const all = []; for (;;) { const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true }); memory.grow(2_000); new Uint8Array(memory.buffer).fill(1); all.push(memory); }',
    outOfMemory,
  ],
  'throws 100 MB of text': [
    'throw new Error("x".repeat(100_000_000));',
    { as: /^(raised|out_of_memory)$/, says: /^(x{4000}\n|The handler used up the 256 MB)/ },
  ],
  recurses: [
    'const down = (): number => 1 + down(); return down();',
    { as: /^raised$/, says: /Maximum call stack size exceeded/ },
  ],
  'starts a program': ['(await node("child_process")).execFileSync("/bin/true");', { as: /^raised$/, says: /./ }],
  'reads a file': [
    'Deno.readTextFileSync("/etc/passwd");',
    { as: /^raised$/, says: /Deno is not available in handlers/ },
  ],
  'starts threads without end': [
    'const { Worker } = await node("worker_threads"); for (;;) new Worker("setInterval(() => {}, 1000)", { eval: true });',
    { as: /^(raised|out_of_memory|limit_exceeded|crashed|timed_out)$/, says: /./ },
    { wallMs: 5_000 },
  ],
  'exits without a word': ['(await node("process")).reallyExit(0);', { as: /^(crashed|exited|raised)$/, says: /./ }],
  aborts: [
    '(await node("process")).abort(); await new Promise(() => {});',
    { as: /^(crashed|raised|exited|timed_out)$/, says: /./ },
    soon,
  ],
  'writes what is no message': ['(await node("fs")).writeSync(1, "hello\\n"); await new Promise(() => {});', forged],
  'writes a message of the runner': [
    '(await node("fs")).writeSync(1, \'{"t":"started"}\\n\'); await new Promise(() => {});',
    forged,
  ],
  'ends in a listener that never does': [
    'addEventListener("unload", () => { for (;;); }); return 1;',
    { as: /^succeeded$/, says: /^$/ },
  ],
  'changes what every object has': [
    'Object.prototype.toJSON = () => { throw new Error("no JSON for you"); }; return { a: 1 };',
    { as: /^(raised|succeeded|crashed)$/, says: /./ },
  ],
  'changes what every list has': [
    'Array.prototype[Symbol.iterator] = () => { throw new Error("no lists for you"); }; return [1];',
    { as: /^(raised|succeeded|crashed)$/, says: /./ },
  ],
};

const tables = [
  ['python', inPython, python],
  ['typescript', inTypeScript, typescript],
] as const;

describe.each(tables)('a handler in %s that', (language, table, file) => {
  it.each(Object.entries(table))('%s ends so that a person understands', async (_, [text, ends, limits = {}]) => {
    const options = { language, limits: { wallMs: 20_000, ...limits } };
    const { result } = await runHandler(sandbox, file(text), options);
    expect('reason' in result ? result.reason : result.outcome).toMatch(ends.as);
    if ('error' in result) expect(`${result.error.message}\n`).toMatch(ends.says);
    const one = language === 'python' ? 'return 1' : 'return 1;';
    expect((await runHandler(sandbox, file(one), { language })).result).toMatchObject({
      outcome: 'succeeded',
      result: 1,
    });
  });
});

describe('a handler that patches requests', () => {
  const ask = 'return requests.get("http://example.com/").text';
  const respond = () =>
    ({ ok: true, response: { status: 200, reason: 'OK', headers: [], body: Buffer.from('the host') } }) as const;

  it('patches its own only', async () => {
    const patched = `requests.sessions.Session.send = requests.get = requests.adapters.HTTPAdapter.send = lambda *_, **__: None\n${ask}`;
    expect((await runHandler(sandbox, python(patched), { respond })).result).toMatchObject({
      outcome: 'failed',
      reason: 'raised',
      error: { message: "'NoneType' object has no attribute 'text'" },
    });
    expect((await runHandler(sandbox, python(ask), { respond })).result).toMatchObject({ result: 'the host' });
  });
});

describe('what a handler leaves behind', () => {
  it('ends with it, and what it said until then is kept', async () => {
    const text = `print(os.getpid(), flush=True)
def talk():
    while True: print("still here"); time.sleep(0.001)
for _ in range(20): threading.Thread(target=talk).start()
time.sleep(0.05)
return "left"`;
    const { result, stdout } = await runHandler(sandbox, python(text));
    expect(result).toMatchObject({ outcome: 'succeeded', result: 'left' });
    expect(stdout).toContain('still here\n');
    await until('its process is gone', () => !isAlive(parseInt(stdout, 10)));
  });

  it('says nothing more once it has returned', async () => {
    const text = `def talk():
    time.sleep(0.2)
    os.write(3, b'{"t":"log","s":"stdout","d":"late"}\\n')
threading.Thread(target=talk).start()
return 1`;
    const { result, stdout } = await runHandler(sandbox, python(text));
    expect(result).toMatchObject({ outcome: 'succeeded' });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(stdout).toBe('');
  });
});

describe.each([
  ['python', '"python":', python('while True: pass'), 'typescript'],
  ['typescript', '"deno":', typescript('console.log(1); for (;;) {}'), 'python'],
] as const)('the fork server of %s that is killed', (language, named, endless, spared) => {
  const calling = {
    python: python('return add_conversation_tag(context, "x")'),
    typescript: typescript('return helpers.addConversationTag("x");'),
  };
  const one = { python: python('return 1'), typescript: typescript('return 1;') };

  it('fails what it held, as the platform; nothing else; and is back at once', async () => {
    await runHandler(sandbox, one[language], { language });
    const [server = 0] = forkServers(named);
    const other = await openSandbox();
    try {
      const released = Promise.withResolvers<undefined>();
      let called = 0;
      const run = (which: HandlerSandbox, code: string, of: 'python' | 'typescript') =>
        runHandler(which, code, {
          language: of,
          limits: { wallMs: 60_000, cpuSeconds: 60 },
          answer: async () => {
            called += 1;
            await released.promise;
            return { ok: true, value: 'unharmed' };
          },
        });
      const held = [run(sandbox, calling[language], language), run(sandbox, endless, language)].map((ended) =>
        ended.then(
          ({ result }) => result.outcome,
          (error: unknown) => (error instanceof Error ? error.name : 'something else'),
        ),
      );
      const neighbours = [run(sandbox, calling[spared], spared), run(other, calling[language], language)];
      await until('they run', () => called === 3, 20_000);
      process.kill(server, 'SIGKILL');
      expect(await Promise.all(held)).toEqual(['SandboxError', 'SandboxError']);
      expect((await runHandler(sandbox, one[language], { language })).result).toMatchObject({ result: 1 });
      expect(forkServers(named)).not.toContain(server);
      released.resolve(undefined);
      const unharmed = { outcome: 'succeeded', result: 'unharmed' };
      expect((await Promise.all(neighbours)).map(({ result }) => result)).toMatchObject([unharmed, unharmed]);
    } finally {
      await other.close();
    }
  });
});

/** Processes of this one, by what they were told when they were started. */
function forkServers(named: string): number[] {
  return processTree(process.pid)
    .filter(({ pid, parent }) => {
      if (parent !== process.pid) return false;
      try {
        return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(named);
      } catch {
        return false; // it has just ended
      }
    })
    .map(({ pid }) => pid);
}
