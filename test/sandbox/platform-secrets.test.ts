import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler } from './running.ts';

/** What a worker's environment holds. */
const own = {
  OPENAI_API_KEY: 'platform-openai-4711',
  AFTERWORD_LLM_API_KEY: 'platform-llm-4711',
  AFTERWORD_GOOGLE_CREDENTIALS: '{"private_key": "platform-google-4711"}',
  AFTERWORD_SECRETS_KEY: 'platform-sealing-4711',
  AFTERWORD_ADMIN_KEY: 'platform-admin-4711',
  DATABASE_URL: 'postgres://afterword:platform-database-4711@localhost/afterword',
  TEMPORAL_API_KEY: 'platform-temporal-4711',
};

let sandbox: HandlerSandbox;
beforeAll(async () => {
  Object.assign(process.env, own);
  sandbox = await openSandbox();
});
afterAll(async () => {
  await sandbox.close();
  for (const name of Object.keys(own)) Reflect.deleteProperty(process.env, name);
});

const looksEverywhere = `
import ctypes, gc, os, sys
def tried(look):
    try:
        return repr(look())
    except BaseException as error:
        return type(error).__name__
def environment():
    names = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    found = []
    for n in range(1000):
        if not names[n]: break
        found.append(names[n])
    return found
def handle_event(context):
    looks = [lambda: dict(os.environ), environment, lambda: open("/proc/self/environ").read(), lambda: open("/proc/%d/environ" % os.getppid()).read(),
             lambda: sys.argv, lambda: sys.orig_argv, lambda: context, lambda: [repr(o)[:2000] for o in gc.get_objects() if isinstance(o, (dict, list, tuple, str))]]
    told = [tried(look) for look in looks]
    return {"found": [text.partition("platform" + chr(45))[2][:40] for text in told if "platform" + chr(45) in text], "looked": len(told), "environment": told[0]}
`;

it('Python handlers find nothing of the platform’s own secrets', async () => {
  const { result } = await runHandler(sandbox, looksEverywhere, { limits: { resultBytes: 1 << 20 } });
  expect(result).toMatchObject({ outcome: 'succeeded', result: { found: [], looked: 8 } });
  expect(result).toMatchObject({ result: { environment: expect.stringContaining('LANG') as string } });
});

it('TypeScript handlers find nothing of them', async () => {
  const code = `export function handleEvent(context: unknown) {
    const tried = (look: () => unknown) => { try { return JSON.stringify(look()) ?? ''; } catch (error) { return String(error); } };
    const inside = Reflect.get(globalThis, 'Deno');
    const told = [() => inside.env.toObject(), () => Reflect.get(globalThis, 'process').env, () => Object.getOwnPropertyNames(globalThis).map((name) => String(Reflect.get(globalThis, name)))].map(tried);
    return { found: told.filter((text) => text.includes('platform-')), looked: told.length };
  }`;
  const { result } = await runHandler(sandbox, code, { language: 'typescript' });
  expect(result).toMatchObject({ outcome: 'succeeded', result: { found: [], looked: 3 } });
});

it('no process of the cage has them in its environment or its command line, while one of ours would', () => {
  expect(process.env.OPENAI_API_KEY).toBe(own.OPENAI_API_KEY);
  const processes = childrenOf(process.pid);
  expect(processes.length).toBeGreaterThan(0);
  for (const pid of processes) {
    for (const file of ['environ', 'cmdline']) {
      expect(readFileSync(`/proc/${String(pid)}/${file}`, 'utf8')).not.toContain('platform-');
    }
  }
});

/** Children, and theirs. */
function childrenOf(pid: number): number[] {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => parentOf(one) === pid);
  return found.flatMap((one) => [one, ...childrenOf(one)]);
}

function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}
