import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HandlerRun } from '../../../src/sandbox/handler-run.ts';
import { SandboxError, type SandboxResult } from '../../../src/sandbox/sandbox.ts';
import { fuzzInFlight, fuzzLimits } from './hear.ts';
import { chunksOf, type HostileConversation } from './hostile-lines.ts';

/** The host's side of executions whose other end is the test's. */
export class SocketPairs {
  readonly #folder = mkdtempSync(join(tmpdir(), 'afterword-fuzz-'));
  readonly #server = createServer();
  readonly #open = new Set<Socket>();
  readonly #listening = once(this.#server.listen(join(this.#folder, 'socket')), 'listening');

  /** What a run came to, or the platform's own error. */
  async run(conversation: HostileConversation): Promise<SandboxResult | SandboxError> {
    await this.#listening;
    const accepted = once(this.#server, 'connection') as Promise<[Socket]>;
    const socket = connect(join(this.#folder, 'socket'));
    const [child] = await accepted;
    for (const end of [socket, child]) {
      this.#open.add(end);
      end.on('error', () => undefined); // the other one hung up
      end.once('close', () => this.#open.delete(end));
    }
    child.resume();
    const gone = new Promise((resolve) => child.once('close', resolve));
    const report = { id: 1, cause: 'exited', signal: 0, code: 0, cpuMs: 0, maxRssBytes: 0 } as const;
    const program = {
      language: 'python',
      code: '',
      contextJson: '{}',
      helpers: [],
      callsInFlight: fuzzInFlight.calls,
      tool: {
        name: null,
        context: { credentials: {}, parameters: {}, globals: {}, contact: {}, project: {}, constants: {} },
        whole: false,
      },
      randomSeed: '',
      limits: fuzzLimits,
    } as const;
    const host = {
      call: () => Promise.resolve({ ok: true, value: null } as const),
      request: () => Promise.resolve({ ok: false, error: { code: 'http_refused', message: 'no' } } as const),
      log: () => undefined,
    };
    const running = new HandlerRun(program, host, {
      open: () => Promise.resolve({ id: 1, runtime: 'python', socket, exited: gone.then(() => report) }),
      execMessage: () => '{"t":"exec"}\n',
      inFlight: fuzzInFlight,
    }).run();
    for (const chunk of chunksOf(conversation)) {
      if (child.writable) child.write(chunk);
    }
    child.end();
    try {
      return await running;
    } catch (error) {
      if (error instanceof SandboxError) return error;
      throw error;
    } finally {
      await gone;
    }
  }

  /** Connections that have not been closed, from both ends. */
  get open(): number {
    return this.#open.size;
  }

  close(): void {
    this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }
}
