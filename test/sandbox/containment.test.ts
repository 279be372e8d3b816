import { readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler } from './running.ts';

const raisedLimits = ['RLIMIT_AS', 'RLIMIT_CPU', 'RLIMIT_NOFILE', 'RLIMIT_FSIZE'];

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);

const canary = 'AFTERWORD_TEST_CANARY';
let sandbox: HandlerSandbox;
beforeAll(async () => {
  process.env[canary] = 'a secret of the worker';
  sandbox = await openSandbox();
});
afterAll(async () => {
  Reflect.deleteProperty(process.env, canary);
  await sandbox.close();
});

describe('a handler', () => {
  it('finds no secret of the worker: not in its environment, not in its arguments', async () => {
    const code = 'import os, sys\ndef handle_event(context): return [dict(os.environ), sys.argv, sys.orig_argv]';
    const { result } = await runHandler(sandbox, code);
    expect(result.outcome).toBe('succeeded');
    expect(JSON.stringify(result)).not.toContain('a secret of the worker');
    expect(JSON.stringify(result)).not.toContain(canary);
    expect(result).toHaveProperty('result.0.TZ', 'UTC');
  });

  it('has three descriptors that lead nowhere and its connection, even beside 150 others', async () => {
    const code = `
import os
def handle_event(context):
    add_conversation_tag(context, "all here")
    open_ones = []
    for descriptor in range(4096):
        try:
            os.fstat(descriptor)
            open_ones.append(descriptor)
        except OSError: pass
    return [open_ones, os.read(0, 1).decode(), os.write(1, b"x")]`;
    const count = 150;
    let arrived = 0;
    const all = Promise.withResolvers<undefined>();
    const answer = async () => {
      if ((arrived += 1) === count) all.resolve(undefined);
      await all.promise;
      return { ok: true, value: null } as const;
    };
    const runs = await Promise.all(Array.from({ length: count }, () => runHandler(sandbox, code, { answer })));
    for (const { result } of runs) expect(result).toMatchObject({ result: [[0, 1, 2, 3], '', 1] });
  });

  it.each(raisedLimits)('cannot raise %s', async (name) => {
    const code = `
import resource
def handle_event(context):
    kind = resource.${name}
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (hard, resource.RLIM_INFINITY))`;
    expect((await runHandler(sandbox, code)).result).toMatchObject({ outcome: 'failed', reason: 'raised' });
  });

  it('holds no capability and can gain none, also where the worker is root', async () => {
    const code =
      'import os\ndef handle_event(context):\n    print(os.getpid())\n    add_conversation_tag(context, "look")';
    let pid = 0;
    let status = '';
    await runHandler(sandbox, code, {
      onLog: (_, text) => (pid ||= Number(text)),
      answer: () => {
        status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return { ok: true, value: null };
      },
    });
    expect(status).toMatch(/^CapPrm:\t0+$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  it.each(['python', 'typescript'] as const)('in %s leaves no memory to a collector of crashes', async (language) => {
    const codes = {
      python: 'import os\ndef handle_event(context):\n    add_conversation_tag(context, os.getpid())',
      typescript: 'export const handleEvent = async (_, helpers) => helpers.addConversationTag(0);',
    };
    let limits = '';
    await runHandler(sandbox, codes[language], {
      language,
      answer: () => {
        // Of the children of the fork server the one that runs this.
        limits = childrenOf(process.pid)
          .flatMap(childrenOf)
          .filter((pid) => readlinkSync(`/proc/${String(pid)}/exe`).endsWith('/deno') === (language === 'typescript'))
          .map((pid) => /^Max core file size.*$/m.exec(readFileSync(`/proc/${String(pid)}/limits`, 'utf8'))?.[0] ?? '')
          .join('\n');
        return { ok: true, value: null };
      },
    });
    expect(limits).toMatch(/^(Max core file size +1 +1 +bytes\s*)+$/);
  });

  it('finds no word of its neighbours in the interpreter it was forked from', async () => {
    const waiting = 'import os\ndef handle_event(context):\n    return add_conversation_tag(context, os.getpid())';
    const seen = Promise.withResolvers<undefined>();
    const free = Promise.withResolvers<undefined>();
    const neighbour = runHandler(sandbox, waiting, {
      answer: async () => {
        seen.resolve(undefined);
        await free.promise;
        return { ok: true, value: null };
      },
    });
    await seen.promise;
    const code = `
import gc, sys
def reach(root, found, depth=12):
    if id(root) in found or depth == 0: return
    found[id(root)] = root
    for each in gc.get_referents(root): reach(each, found, depth - 1)
def handle_event(context):
    frame, found = sys._getframe(), {}
    while frame:
        reach(frame, found)
        for local in frame.f_locals.values(): reach(local, found)
        frame = frame.f_back
    return sum(type(each).__name__ == "_Child" for each in found.values())`;
    // Forked while the neighbour runs: none that was started ahead has this limit.
    const options = { limits: { cpuSeconds: 7 } };
    const { result } = await runHandler(sandbox, code, options);
    free.resolve(undefined);
    await neighbour;
    expect(result).toMatchObject({ outcome: 'succeeded', result: 0 });
  });

  it('leaves nothing behind for the next one', async () => {
    const first =
      'import json\njson.poison = True\nimport builtins\nbuiltins.poison = True\ndef handle_event(context): return 1';
    await runHandler(sandbox, first);
    const code =
      'import json, builtins\ndef handle_event(context): return [hasattr(json, "poison"), hasattr(builtins, "poison")]';
    expect((await runHandler(sandbox, code)).result).toMatchObject({ result: [false, false] });
  });

  it('does not mix with the 49 others that run at once', async () => {
    const code = `
def handle_event(context):
    print(context["n"])
    tagged = add_conversation_tag(context, "tag %d" % context["n"])
    return [context["n"], tagged]`;
    const runs = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        runHandler(sandbox, code, { context: { n }, answer: ({ args }) => ({ ok: true, value: args.tag ?? null }) }),
      ),
    );
    runs.forEach(({ result, stdout, calls }, n) => {
      expect(result).toMatchObject({ outcome: 'succeeded', result: [n, `tag ${n}`] });
      expect([stdout, calls]).toEqual([`${n}\n`, [{ name: 'add_conversation_tag', args: { tag: `tag ${n}` } }]]);
    });
  });
});
