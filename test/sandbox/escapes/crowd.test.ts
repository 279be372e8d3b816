import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler } from '../running.ts';

const attackPy = readFileSync(join(import.meta.dirname, 'python/attack.py'), 'utf8');

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

/** Each takes, as fast as it can, what no limit of the kernel's counts for one process. */
const greedy: Record<string, string> = {
  'threads without end': `
import threading, time
def handle_event(context):
    threading.stack_size(64 << 10)
    while True:
        threading.Thread(target=time.sleep, args=(60,)).start()`,
  ...(process.arch === 'x64'
    ? {
        'threads without end, past the library': `${attackPy}
def handle_event(context):
    # clone in a loop; what it makes waits for ever
    machine_code(
        b'\\x48\\xbf' + struct.pack('q', 0x10F00) + b'\\x48\\xbe' + struct.pack('q', memory(65536) + 65000 & ~15),
        b'\\x31\\xd2\\x45\\x31\\xd2\\x45\\x31\\xc0\\xb8\\x38\\0\\0\\0\\x0f\\x05\\x85\\xc0\\x74\\x02\\xeb\\xd7',
        b'\\xb8\\x22\\0\\0\\0\\x0f\\x05\\xeb\\xf7')`,
      }
    : {}),
  'sockets filled to the brim': `
import socket
def handle_event(context):
    kept = []
    try:
        while True: kept.append(socket.socketpair())
    except OSError: pass
    for each in [each for both in kept for each in both]:
        each.setblocking(False)
        try:
            while True: each.send(b"x" * 4096)
        except OSError: pass
    while True: pass`,
  'addresses without end': `
import mmap
def handle_event(context):
    kept = []
    while True:
        try: kept.append(mmap.mmap(-1, 4096))
        except OSError: pass`,
  'names of files that are not there': `
import os
def handle_event(context):
    n = 0
    while True:
        n += 1
        try: os.stat("/nothing-%d" % n)
        except OSError: pass`,
};

describe('neighbours of a handler that takes', () => {
  it.each(Object.entries(greedy))('%s still run', async (_, code) => {
    let over = false;
    const isOver = () => over;
    const attack = Promise.all([1, 2].map(() => runHandler(sandbox, code, { limits: { wallMs: 1_000 } }))).finally(
      () => (over = true),
    );
    const outcomes: string[] = [];
    do {
      // Of other limits: none that waits ahead is taken, each is forked now.
      const fork = { limits: { cpuSeconds: 7 } };
      const { result } = await runHandler(sandbox, 'def handle_event(context): return 1', fork);
      outcomes.push(result.outcome);
    } while (!isOver());
    expect(new Set(outcomes)).toEqual(new Set(['succeeded']));
    for (const { result } of await attack) {
      expect('reason' in result ? result.reason : result.outcome).toMatch(
        /^(limit_exceeded|timed_out|out_of_memory|raised)$/,
      );
    }
  });
});
